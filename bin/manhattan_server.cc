// SPDX-License-Identifier: MIT
#include "bin/serve.h"

namespace {

using namespace manhattan;

int serve(program::Reloading reloading) {
  const auto options = program::server_options(reloading.started_with());
  if (options.is_dry_run) {
    program::print_what_would_be_deleted(options);
    return program::kDone;
  }
  program::Interrupts interrupts(
      "manhattan-server: stopped within a second; what was under way is done again at the next "
      "start",
      options.is_once ? program::kFailed : program::kDone, program::Interrupts::Hangup::is_taken);
  program::raise_descriptor_limit();
  const bool is_once = options.is_once;
  program::Service service(options, std::move(reloading), interrupts);
  if (is_once) return service.run_once() ? program::kDone : program::kFailed;
  service.run();
  return program::kDone;
}

}  // namespace

int main(int argc, char** argv) {
  namespace program = manhattan::program;
  const auto server = program::server_program();
  return program::run(argc, argv, server, [&](const program::options::variables_map& values) {
    return serve({argc, argv, server, values});
  });
}
