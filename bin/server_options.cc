// SPDX-License-Identifier: MIT
#include "bin/server_options.h"

#include <algorithm>

#include "bin/counting_options.h"
#include "query/endpoint.h"
#include "ring/ring_file.h"

namespace manhattan::program {
namespace {

using Texts = std::vector<std::string>;

constexpr std::int64_t kMostDays = 36'500;  // nothing overflows
constexpr std::int64_t kMostMib = std::int64_t{1} << 40;
constexpr std::int64_t kDefaultRingMib = ring::kDefaultRingBytes >> 20;

/// A log that others write is compressed where that is said: they may not read it then.
bool is_compressing(const std::string& word, bool has_ring) {
  if (word == "yes" || word == "no") return word == "yes";
  if (word == "auto") return has_ring;
  throw ConfigError("--compress '" + word + "': yes, no or auto");
}

log::Keeper::Rules keeping_of(const options::variables_map& values, bool has_ring) {
  log::Keeper::Rules rules;
  rules.is_compressing = is_compressing(values["compress"].as<std::string>(), has_ring);
  const auto days = at_least(values, "keep-days", 0);
  const auto mib = at_least(values, "keep-mib", 0);
  if (days > 0) rules.keep_for = std::chrono::hours(24 * std::min(days, kMostDays));
  if (mib > 0) rules.keep_bytes = static_cast<std::uint64_t>(std::min(mib, kMostMib)) << 20;
  return rules;
}

}  // namespace

Program server_program() {
  Program program;
  program.name = "manhattan-server";
  program.synopsis = "--path PREFIX --url STORE [options]";
  program.purpose =
      "Drains the ring into the text log, counts it into a store and answers questions.";
  const auto text = [](const char* fallback, const char* name) {
    return options::value<std::string>()->default_value(fallback)->value_name(name);
  };
  const auto number = [](std::int64_t fallback) {
    return options::value<std::int64_t>()->default_value(fallback)->value_name("N");
  };
  add_counting_options(program.described);
  // clang-format off
  program.described.add_options()
      ("path,p", options::value<std::string>()->value_name("PREFIX"), "the text log: PREFIX.<hour>")
      ("ring,r", text("none", "PATH"), "the ring to drain, made where it is missing; none: others write the log")
      ("ring-mib", number(kDefaultRingMib), "size of a new ring, in MiB")
      ("anonymize", options::bool_switch(), "mask addresses in what is drained, counted and kept: /24, /48 of IPv6")
      ("compress", text("auto", "WHEN"), "compress finished hours of the log: yes, no; auto: where it has a ring")
      ("keep-days", number(0), "delete hours of the log that are counted and N days old; 0: never")
      ("keep-mib", number(0), "delete the oldest counted hours of a log of more than N MiB; 0: never")
      ("bind", options::value<Texts>()->composing()->value_name("ENDPOINT"),
       "answer questions at tcp://ADDRESS:PORT or ipc://PATH; default tcp://127.0.0.1:5555")
      ("log", text("", "FILE"), "messages to FILE instead of standard error; reopened on SIGHUP")
      ("once", options::bool_switch(), "count what there is, flush and exit")
      ("verbose,v", options::bool_switch(), "say what is being done");
  // clang-format on
  return program;
}

ServerOptions server_options(const options::variables_map& values) {
  ServerOptions chosen;
  chosen.ring = values["ring"].as<std::string>();
  chosen.ring_bytes = static_cast<std::uint64_t>(at_least(values, "ring-mib", 1)) << 20;
  chosen.prefix = absolute_prefix("--path", required(values, "path"));
  chosen.endpoints = texts_of(values, "bind");
  chosen.keeping = keeping_of(values, chosen.ring != "none");
  chosen.message_file = values["log"].as<std::string>();
  chosen.is_once = values["once"].as<bool>();
  chosen.is_verbose = values["verbose"].as<bool>();
  chosen.backend = counting_options(values);
  chosen.backend.log_prefix = chosen.prefix;
  chosen.is_anonymized = chosen.backend.is_anonymized = values["anonymize"].as<bool>();
  if (chosen.endpoints.empty()) chosen.endpoints = {query::kDefaultEndpoint};
  for (const auto& endpoint : chosen.endpoints) query::check_endpoint(endpoint);
  return chosen;
}

}  // namespace manhattan::program
