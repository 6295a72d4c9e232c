// SPDX-License-Identifier: MIT
#include "wrap/used_tokens.h"

#include <utility>

#include "visitor/token.h"

namespace manhattan::wrap {

bool UsedTokens::use(std::string_view token, UnixNanos now) {
  // The signature alone, of fixed length: two tokens never share it.
  const std::string name(token.substr(token.rfind('.') + 1));
  const std::lock_guard lock(mutex_);
  if (now - since_ > visitor::kTokenLife || recent_.size() >= kMostUsed) {
    older_ = std::exchange(recent_, {});
    since_ = now;
  }
  return older_.count(name) == 0 && recent_.insert(name).second;
}

}  // namespace manhattan::wrap
