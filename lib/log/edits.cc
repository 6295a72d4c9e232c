// SPDX-License-Identifier: MIT
#include "log/edits.h"

#include <algorithm>

#include "record/anonymize.h"

namespace manhattan::log {

std::string_view Edits::edited(std::string_view lines) {
  lines = forgotten_.erased(lines);
  if (!is_anonymizing_) return lines;
  masked_.clear();
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size() - 1) + 1;
    record::append_anonymized(lines.substr(0, end), masked_);
    lines.remove_prefix(end);
  }
  return masked_;
}

}  // namespace manhattan::log
