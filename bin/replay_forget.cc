// SPDX-License-Identifier: MIT
#include "bin/replay_forget.h"

#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "bin/replay_rebuild.h"
#include "bin/replay_records.h"
#include "log/forget.h"

namespace manhattan::program {
namespace {

std::string counted(std::uint64_t number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

void forget_in_store(store::Store& store, const ReplayOptions& options,
                     base::MessageLog& messages) {
  const auto& location = *options.forgetful_store;
  const std::vector<std::string> visitors(options.forgotten.begin(), options.forgotten.end());
  const auto known = store.forget(visitors);
  messages.info("erased " + counted(static_cast<std::uint64_t>(known), "visitor") + " in '" +
                location.to_string() + "'; its counters stay");
}

}  // namespace

void forget(const ReplayOptions& options, base::MessageLog& messages) {
  // Only a store that is there: forgetting makes none.
  if (options.forgetful_store) options.forgetful_store->open_reader()->pointer();
  base::SystemFiles files;  // each file as it is, compressed or not
  const auto tell = [&](const std::string& what) { messages.warning_once(what); };
  std::vector<std::unique_ptr<log::Forget>> logs;
  // All locks before the first change: a server on one of the logs leaves nothing half done.
  for (const auto& prefix : options.prefixes) {
    require_log(prefix, tell);
    logs.push_back(std::make_unique<log::Forget>(prefix, files, tell));
  }
  std::unique_ptr<store::Store> store;
  if (options.forgetful_store) store = open_alone(*options.forgetful_store);
  const auto now = base::SystemClock().now();
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const auto done = logs[i]->run(options.forgotten, now);
    messages.info("erased " + counted(done.lines, "line") + " in " + counted(done.files, "file") +
                  " of '" + options.prefixes[i] + "'");
  }
  if (store) forget_in_store(*store, options, messages);
}

}  // namespace manhattan::program
