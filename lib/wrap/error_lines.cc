// SPDX-License-Identifier: MIT
#include "wrap/error_lines.h"

#include <algorithm>

namespace manhattan::wrap {

void ErrorLines::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto newline = bytes.find('\n');
    const auto piece = bytes.substr(0, newline);
    const auto room = kMaxLineBytes - line_.size();
    line_.append(piece.substr(0, room));
    dropped_bytes_ += piece.size() - std::min(piece.size(), room);
    bytes.remove_prefix(newline == bytes.npos ? bytes.size() : newline + 1);
    if (newline != bytes.npos) write_line();
  }
}

void ErrorLines::finish() {
  if (!line_.empty()) write_line();
  if (dropped_bytes_ == 0) return;
  messages_->warning(program_ + ": " + std::to_string(dropped_bytes_) +
                     " more bytes on standard error dropped");
  dropped_bytes_ = 0;
}

void ErrorLines::write_line() {
  if (line_.ends_with('\r')) line_.pop_back();
  if (written_bytes_ + line_.size() > kMaxBytes) {
    dropped_bytes_ += line_.size();
  } else if (!line_.empty()) {
    messages_->warning(program_ + ": " + line_);
  }
  written_bytes_ += line_.size();
  line_.clear();
}

}  // namespace manhattan::wrap
