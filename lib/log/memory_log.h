// SPDX-License-Identifier: MIT
#pragma once

#include <new>
#include <string>
#include <vector>

#include "log/log.h"

namespace manhattan {

/// Keeps records in the process, for tests and examples.
///
/// Threads: one at a time.
/// Errors:  by value; a record that no memory is left for is dropped.
class MemoryLog final : public Log {
 public:
  Append append(UnixNanos, std::string_view line) noexcept override {
    try {
      lines_.emplace_back(line);
      return Append::written;
    } catch (const std::bad_alloc&) {
      return Append::dropped;
    }
  }

  /// In the order of their appends, each with its newline.
  const std::vector<std::string>& lines() const noexcept { return lines_; }

 private:
  std::vector<std::string> lines_;
};

}  // namespace manhattan
