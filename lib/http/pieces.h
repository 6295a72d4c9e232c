// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace manhattan::http {

/// `Began Checkout; value=12.50; type=S`: a name, then attributes.
struct Pieces {
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes;  ///< in the order given
};

/// Pieces stand between semicolons; one with a semicolon in it stands in double quotes, in which a
/// backslash takes the next character as it is. Nothing where there is no name, a quote is open or
/// an attribute has no equals sign.
std::optional<Pieces> parse_pieces(std::string_view text);

}  // namespace manhattan::http
