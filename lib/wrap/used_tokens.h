// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/clock.h"

namespace manhattan::wrap {

/// The tokens (visitor/token.h) that were used, while they are good: none counts twice, when a
/// browser shows its copy of a page again.
///
/// Threads: any number.
/// Memory:  of two lives of a token at most, and of kMostUsed tokens each; beyond that the oldest
///          are forgotten early.
class UsedTokens {
 public:
  static constexpr std::size_t kMostUsed = 100'000;

  /// False: it was used before.
  bool use(std::string_view token, UnixNanos now);

 private:
  std::mutex mutex_;
  std::unordered_set<std::string> recent_, older_;
  UnixNanos since_{};  ///< of recent_
};

}  // namespace manhattan::wrap
