// SPDX-License-Identifier: MIT
#include "log/drain_alarm.h"

#include <algorithm>

#include "base/files.h"

namespace manhattan::log {
namespace {

bool is_ring(const std::string& path) { return !path.empty() && path != "none"; }

std::vector<std::string> folders_of(const std::string& ring_path, const std::string& prefix) {
  std::vector<std::string> folders{base::folder_of(prefix)};
  if (is_ring(ring_path)) folders.push_back(base::folder_of(ring_path));
  return folders;
}

}  // namespace

DrainAlarm::DrainAlarm(Drain& drain, const std::string& ring_path, const std::string& prefix)
    : drain_(drain),
      ring_name_(is_ring(ring_path) ? base::name_of(ring_path) : std::string()),
      spill_name_(base::name_of(prefix) + ".spill"),
      // Who spills closes the file each time; the drain keeps the log open, whose every write would
      // wake us otherwise.
      watch_(folders_of(ring_path, prefix), Watch::At::close),
      thread_([this] { watch(); }) {}

DrainAlarm::~DrainAlarm() {
  is_ending_ = true;
  watch_.wake();
  thread_.join();
}

void DrainAlarm::watch() {
  while (!is_ending_) {
    if (concerns_drain(watch_.wait(std::chrono::hours(1)))) drain_.wake();
  }
}

bool DrainAlarm::concerns_drain(const Watch::Changes& changes) const {
  return !changes.is_complete ||
         std::any_of(changes.names.begin(), changes.names.end(), [this](const auto& name) {
           return name.starts_with(spill_name_) || (!ring_name_.empty() && name == ring_name_);
         });
}

}  // namespace manhattan::log
