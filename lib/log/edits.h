// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "log/forgotten.h"

namespace manhattan::log {

/// What a drain changes in records before they are in the log: forgotten visitors are erased, and
/// addresses masked where that is asked for.
///
/// Threads: one.
/// Errors:  as Forgotten.
class Edits {
 public:
  Edits(const std::string& prefix, base::Files& files) : forgotten_(prefix, files) {}

  void anonymize() noexcept { is_anonymizing_ = true; }
  /// `lines` as they are to be written: themselves, or in memory of ours until the next call.
  std::string_view edited(std::string_view lines);
  /// All records of before `at` have been through edited().
  void passed(UnixNanos at) { forgotten_.passed(at); }

 private:
  Forgotten forgotten_;
  bool is_anonymizing_ = false;
  std::string masked_;
};

}  // namespace manhattan::log
