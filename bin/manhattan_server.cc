// SPDX-License-Identifier: MIT
#include "bin/serve.h"

namespace {

using namespace manhattan;

int serve(const program::options::variables_map& values) {
  const auto options = program::server_options(values);
  const auto signals = program::handled_signals();
  program::raise_descriptor_limit();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  program::Service service(options);
  if (options.is_once) return service.run_once() ? program::kDone : program::kFailed;
  service.run();
  return program::kDone;
}

}  // namespace

int main(int argc, char** argv) {
  return program::run(argc, argv, program::server_program(), serve);
}
