// SPDX-License-Identifier: MIT
#include "base/error.h"
#include "base/message_log.h"
#include "bin/replay_check.h"
#include "bin/replay_forget.h"
#include "bin/replay_options.h"
#include "bin/replay_play.h"
#include "bin/replay_print.h"
#include "bin/replay_rebuild.h"
#include "log/archive.h"

namespace {

using namespace manhattan;
using Task = program::ReplayOptions::Task;

void run_task(base::Files& files, const program::ReplayOptions& options,
              base::MessageLog& messages) {
  if (options.task == Task::rebuild) program::rebuild(files, options, messages);
  if (options.task == Task::play) program::play(files, options, messages);
  if (options.task == Task::print) program::print(files, options, messages);
  if (options.task == Task::forget) program::forget(options, messages);
}

int replay(const program::options::variables_map& values) {
  const auto options = program::replay_options(values);
  if (options.task == Task::check) {
    return program::check(options) > 0 ? program::kDamaged : program::kDone;
  }
  base::MessageLog messages("manhattan-replay", base::MessageLog::Level::info);
  bool is_damaged = false;
  log::ArchiveFiles files([&](const std::string& what) {
    is_damaged = true;
    messages.error(what);
  });
  run_task(files, options, messages);
  return is_damaged ? program::kDamaged : program::kDone;
}

}  // namespace

int main(int argc, char** argv) {
  return manhattan::program::run(argc, argv, program::replay_program(), replay);
}
