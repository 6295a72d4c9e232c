// SPDX-License-Identifier: MIT
#include <charconv>

#include "base/error.h"
#include "bin/observe.h"
#include "bin/program.h"

namespace {

using namespace manhattan;
using program::options::value;
using Texts = std::vector<std::string>;

program::Program log_program() {
  program::Program log;
  log.name = "manhattan-log";
  log.synopsis = "[options]";
  log.purpose = "Watches records on their way through the ring.";
  log.environment = {{"MANHATTAN_RING", "ring"}};
  // clang-format off
  log.described.add_options()
      ("ring,r", value<std::string>()->default_value("/run/manhattan/ring")->value_name("PATH"),
       "the ring")
      ("kind", value<Texts>()->composing()->value_name("KIND"),
       "only page, pixel, goal or split records; several: any of them")
      ("site", value<Texts>()->composing()->value_name("ID"), "only those of this site; likewise")
      ("visitor", value<Texts>()->composing()->value_name("ID"),
       "only those of this visitor; likewise")
      ("format", value<std::string>()->default_value("text")->value_name("FORMAT"),
       "text, the lines of the text log, or json");
  // clang-format on
  return log;
}

const Texts& texts_of(const program::options::variables_map& values, const char* name) {
  static const Texts none;
  return values.count(name) > 0 ? values[name].as<Texts>() : none;
}

SiteId parse_site(const std::string& text) {
  SiteId site = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, site);
  if (error != std::errc{} || stop != end || site < 0) {
    throw ConfigError("--site '" + text + "' is no number of a site");
  }
  return site;
}

program::Filter filter_of(const program::options::variables_map& values) {
  program::Filter filter;
  for (const auto& text : texts_of(values, "site")) filter.sites.insert(parse_site(text));
  for (const auto& text : texts_of(values, "visitor")) filter.visitors.insert(text);
  for (const auto& text : texts_of(values, "kind")) {
    if (text != "page" && text != "pixel" && text != "goal" && text != "split") {
      throw ConfigError("--kind '" + text + "': page, pixel, goal or split");
    }
    filter.kinds.insert(text);
  }
  return filter;
}

int watch(const program::options::variables_map& values) {
  const auto format = values["format"].as<std::string>();
  if (format != "text" && format != "json") {
    throw ConfigError("--format '" + format + "': text or json");
  }
  base::MessageLog messages("manhattan-log", base::MessageLog::Level::info);
  program::observe({values["ring"].as<std::string>(), filter_of(values),
                    format == "json" ? program::Format::json : program::Format::text},
                   messages);
  return program::kDone;
}

}  // namespace

int main(int argc, char** argv) {
  return manhattan::program::run(argc, argv, log_program(), watch);
}
