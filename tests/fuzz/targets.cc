// SPDX-License-Identifier: MIT
#include "tests/fuzz/targets.h"

namespace manhattan::fuzz {

const std::map<std::string, std::function<void(std::string_view)>>& targets() {
  static const std::map<std::string, std::function<void(std::string_view)>> all = {
      {"records", records},      {"escapes", escapes},     {"access_log", access_log},
      {"spill", spill},          {"ring", ring},           {"heads", heads},
      {"injection", injection},  {"pages", pages},         {"cookies", cookies},
      {"requests", requests},    {"reports", reports},     {"questions", questions},
      {"answers", answers},      {"histories", histories}, {"config", config},
      {"rules", rules},          {"stores", stores},       {"environments", environments},
      {"file_names", file_names}};
  return all;
}

}  // namespace manhattan::fuzz
