// SPDX-License-Identifier: MIT
#include "bin/event_options.h"

#include "base/decimal.h"
#include "base/error.h"

namespace manhattan::program {

Program event_program() {
  Program event;
  event.name = "manhattan-event";
  event.synopsis = "[options] goal NAME | split TEST [POPULATION[=WEIGHT]...] | page | pixel";
  event.purpose = "Records a goal, a split, a page or a pixel; split prints the population chosen.";
  const auto is_value = [](const std::string& value) {
    if (!Decimal::parse(value)) throw ConfigError("--value '" + value + "' is no number");
  };
  // clang-format off
  event.described = {
      text("value", "NUMBER", "what the goal was worth").checked_by(is_value),
      text("type", "LETTER", "its values: S sum, A average, I per session, R rate")
          .one_of({"R", "A", "S", "I"}),
      text("format", "LETTER", "its values are shown as N number, C currency, P percentage")
          .one_of({"N", "C", "P"}),
      text("ring,r", "PATH", "the ring, or none").by_default("/run/manhattan/ring"),
      text("path,p", "PREFIX", "the text log, beside which the spill log lies"),
      text("visitor", "ID", "the visitor's id").free_text(),
      number("site", "ID", "the site's number").by_default(0).between(0, INT32_MAX)};
  // clang-format on
  event.hidden.add_options()("words", options::value<std::vector<std::string>>());
  event.positional.add("words", -1);
  event.environment = {{"MANHATTAN_RING", "ring"},
                       {"MANHATTAN_PATH", "path"},
                       {"MANHATTAN_VISITOR", "visitor"},
                       {"MANHATTAN_SITE", "site"}};
  return event;
}

}  // namespace manhattan::program
