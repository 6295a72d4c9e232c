// SPDX-License-Identifier: MIT
#include "http/pieces.h"

#include <algorithm>

#include "base/text.h"

namespace manhattan::http {
namespace {

/// Takes the next `;`-separated piece off `text`, quotes and backslashes resolved.
std::optional<std::string> next_piece(std::string_view& text) {
  std::string piece;
  bool is_quoted = false;
  std::size_t i = 0;
  for (; i < text.size() && (is_quoted || text[i] != ';'); ++i) {
    if (text[i] == '"') {
      is_quoted = !is_quoted;
    } else if (is_quoted && text[i] == '\\' && i + 1 < text.size()) {
      piece += text[++i];
    } else {
      piece += text[i];
    }
  }
  if (is_quoted) return {};
  text.remove_prefix(std::min(i + 1, text.size()));
  return std::string(base::trim(piece));
}

}  // namespace

std::optional<Pieces> parse_pieces(std::string_view text) {
  Pieces pieces;
  auto name = next_piece(text);
  if (!name || name->empty()) return {};
  pieces.name = std::move(*name);
  while (!text.empty()) {
    const auto piece = next_piece(text);
    if (!piece) return {};
    if (piece->empty()) continue;
    const auto equals = piece->find('=');
    if (equals == piece->npos) return {};
    pieces.attributes.emplace_back(base::trim(std::string_view(*piece).substr(0, equals)),
                                   base::trim(std::string_view(*piece).substr(equals + 1)));
  }
  return pieces;
}

}  // namespace manhattan::http
