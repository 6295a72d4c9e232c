// SPDX-License-Identifier: MIT
#include "tests/support/counted_log.h"

#include <filesystem>
#include <fstream>

#include "backend/worker.h"

namespace manhattan::tests {
namespace {

std::string line(std::string_view kind, const By& by,
                 std::initializer_list<std::string_view> fields = {}) {
  auto text =
      "1\t" + std::string(kind) + '\t' + by.at + '\t' + by.visitor + '\t' + std::to_string(by.site);
  for (const auto field : fields) text += '\t' + std::string(field);
  return text + '\n';
}

}  // namespace

std::string page_line(const By& by, std::string_view user_agent, std::string_view referrer,
                      std::string_view url) {
  return line("page", by, {"::1", "GET", url, user_agent, referrer});
}

std::string pixel_line(const By& by) { return line("pixel", by); }

std::string goal_line(const By& by, std::string_view name, std::string_view value,
                      std::string_view type) {
  return line("goal", by, {name, value, type, ""});
}

std::string split_line(const By& by, std::string_view name, std::string_view population) {
  return line("split", by, {name, population});
}

std::string human(const std::string& visitor, std::string_view goal) {
  return pixel_line({visitor}) + goal_line({visitor}, goal);
}

base::MessageLog& silent() {
  static base::MessageLog log("test", base::MessageLog::Level::error, "/dev/null");
  return log;
}

CountedLog::CountedLog(Database database) : options{new_place(database), {}, {}} {
  static int folders = 0;
  const auto folder = temporary_path("log-" + std::to_string(++folders));
  std::filesystem::create_directory(folder);
  options.log_prefix = folder + "/log";
  options.rules = {{count::parse_rollup("all", "UTC"), count::parse_rollup("day", "UTC")},
                   {count::parse_complex_goal("left|cart|paid")}};
}

CountedLog::~CountedLog() {
  std::error_code ignored;
  std::filesystem::remove_all(base::folder_of(prefix()), ignored);
}

std::string CountedLog::segment(std::int64_t hour_s) const {
  return prefix() + '.' + std::to_string(hour_s);
}

void CountedLog::append(std::int64_t hour_s, std::string_view lines) const {
  std::ofstream(segment(hour_s), std::ios::app) << lines;
}

void CountedLog::count_with(const Backend::Options& others, base::MessageLog& messages) const {
  base::SystemFiles files;
  backend::Worker(others, files, prefix(), {}, messages).run_once();
}

std::int64_t CountedLog::tally(const std::string& name) const {
  const auto tallies = options.location.open_reader()->tallies();
  const auto known = tallies.find(name);
  return known == tallies.end() ? 0 : known->second;
}

}  // namespace manhattan::tests
