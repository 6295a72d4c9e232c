// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace manhattan::http {

/// Resolves `%xx` and `+` of a form; what is no escape stays.
std::string decode_form(std::string_view text);

/// The arguments that a query without `=` is, by RFC 3875 section 4.4: `a+b%20c` is `a` and `b c`.
/// None where it has a `=`, or a NUL in a word.
std::vector<std::string> search_words(std::string_view query);

}  // namespace manhattan::http
