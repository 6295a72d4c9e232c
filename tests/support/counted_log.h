// SPDX-License-Identifier: MIT
// A text log, its lines, and the store that it is counted into.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backend/answers.h"
#include "backend/backend.h"
#include "tests/support/databases.h"

namespace manhattan::tests {

/// The fields that every line has.
struct By {
  std::string visitor;
  std::string at = "1";
  int site = 1;
};
std::string page_line(const By& by, std::string_view user_agent = "",
                      std::string_view referrer = "", std::string_view url = "/");
std::string pixel_line(const By& by);
std::string goal_line(const By& by, std::string_view name, std::string_view value = "",
                      std::string_view type = "");
std::string split_line(const By& by, std::string_view name, std::string_view population);
/// A visitor who fetched the pixel and then reached a goal.
std::string human(const std::string& visitor, std::string_view goal);

/// Messages that nobody reads.
base::MessageLog& silent();

/// Lives in a folder of its own; counts by `all`, `day` and the complex goal `left|cart|paid` until
/// `options` say otherwise.
class CountedLog {
 public:
  explicit CountedLog(Database database = Database::sqlite);
  ~CountedLog();
  CountedLog(const CountedLog&) = delete;
  CountedLog& operator=(const CountedLog&) = delete;

  Backend::Options options;

  const std::string& prefix() const noexcept { return options.log_prefix; }
  std::string segment(std::int64_t hour_s) const;
  void append(std::int64_t hour_s, std::string_view lines) const;
  /// As `manhattan-server --once` does.
  void count(base::MessageLog& messages = silent()) const { count_with(options, messages); }
  void count_with(const Backend::Options& others, base::MessageLog& messages = silent()) const;

  backend::Answers answers() const { return backend::Answers(options.location.open_reader()); }
  std::int64_t count_of(const std::string& goal) const { return answers().count(goal, {}); }
  /// 0 where there is none of that name.
  std::int64_t tally(const std::string& name) const;
};

}  // namespace manhattan::tests
