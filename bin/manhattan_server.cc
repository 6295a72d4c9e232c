// SPDX-License-Identifier: MIT
#include "bin/serve.h"

namespace {

using namespace manhattan;

int serve(program::Reloading reloading) {
  const auto options = program::server_options(reloading.started_with());
  const auto signals = program::handled_signals();
  program::raise_descriptor_limit();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const bool is_once = options.is_once;
  program::Service service(options, std::move(reloading));
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
