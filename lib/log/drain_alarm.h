// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "log/drain.h"
#include "log/watch.h"

namespace manhattan::log {

/// Wakes a drain from its sleep for what no writer in the ring can: a spill of one that reaches no
/// ring, and a ring's file that was renamed, removed or put there. So an idle drain may sleep on.
///
/// Owns:   a thread; `drain` must outlive it.
/// Errors: the constructor throws IoError where a folder can't be watched.
class DrainAlarm {
 public:
  /// `ring_path` "none" or empty: only spills of `prefix`.
  DrainAlarm(Drain& drain, const std::string& ring_path, const std::string& prefix);
  ~DrainAlarm();
  DrainAlarm(const DrainAlarm&) = delete;
  DrainAlarm& operator=(const DrainAlarm&) = delete;

 private:
  void watch();
  bool concerns_drain(const Watch::Changes& changes) const;

  Drain& drain_;
  const std::string ring_name_;
  const std::string spill_name_;
  Watch watch_;
  std::atomic<bool> is_ending_ = false;
  std::thread thread_;
};

}  // namespace manhattan::log
