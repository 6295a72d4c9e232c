// SPDX-License-Identifier: MIT
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include <functional>
#include <string>
#include <string_view>

namespace manhattan::base {

/// Debian builds Abseil with a string_view of its own, so its default hash can't look up a
/// std::string_view.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return absl::Hash<absl::string_view>{}(absl::string_view(text.data(), text.size()));
  }
};

/// A hash map from text, looked up by string_view without a copy.
template <class Value>
using TextMap = absl::flat_hash_map<std::string, Value, TextHash, std::equal_to<>>;

}  // namespace manhattan::base
