// SPDX-License-Identifier: MIT
#include "bin/server_options.h"

#include <algorithm>

#include "base/files.h"
#include "bin/counting_options.h"
#include "query/endpoint.h"
#include "ring/ring_file.h"

namespace manhattan::program {
namespace {

constexpr std::int64_t kMostDays = 36'500;  // nothing overflows
constexpr std::int64_t kMostMib = std::int64_t{1} << 40;
constexpr std::int64_t kMostRingMib = ring::kMostRingBytes >> 20;
constexpr std::int64_t kDefaultRingMib = ring::kDefaultRingBytes >> 20;

log::Keeper::Rules keeping_of(const options::variables_map& values, bool has_ring) {
  log::Keeper::Rules rules;
  // A log that others write is compressed only where that is said: they may not read it then.
  const auto& compress = values["compress"].as<std::string>();
  rules.is_compressing = compress == "yes" || (compress == "auto" && has_ring);
  const auto days = values["keep-days"].as<std::int64_t>();
  const auto mib = values["keep-mib"].as<std::int64_t>();
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
  add_counting_options(program.described);
  const auto is_prefix = [](const std::string& prefix) {
    if (base::name_of(prefix).empty())
      throw ConfigError("--path '" + prefix + "' names a folder, not a log");
  };
  const auto has_folder = [](const std::string& prefix) { check_prefix("--path", prefix); };
  // clang-format off
  program.described.insert(program.described.end(), {
      text("path,p", "PREFIX", "the text log: PREFIX.<hour>")
          .checked_by(is_prefix).checked_on_machine(has_folder).at_restart(),
      text("ring,r", "PATH", "the ring to drain, made where it is missing; none: others write the log")
          .by_default("none").at_restart(),
      number("ring-mib", "N", "size of a new ring, in MiB")
          .by_default(kDefaultRingMib).between(1, kMostRingMib).at_restart(),
      flag("anonymize", "mask addresses in what is drained, counted and kept: /24, /48 of IPv6")
          .at_restart(),
      text("compress", "WHEN", "compress finished hours of the log: yes, no; auto: where it has a ring")
          .by_default("auto").one_of({"yes", "no", "auto"}).on_reload(),
      number("keep-days", "N", "delete hours of the log that are counted and N days old; 0: never")
          .by_default(0).at_least(0).on_reload(),
      number("keep-mib", "N", "delete the oldest counted hours of a log of more than N MiB; 0: never")
          .by_default(0).at_least(0).on_reload(),
      flag("dry-run", "print which hours --keep-days and --keep-mib would delete, and exit")
          .at_restart(),
      list("bind", "ENDPOINT", "answer questions at tcp://ADDRESS:PORT or ipc://PATH; default tcp://127.0.0.1:5555")
          .documented_default(query::kDefaultEndpoint).composing()
          .checked_by(query::check_endpoint).on_reload(),
      text("log", "FILE", "messages to FILE instead of standard error; reopened on SIGHUP")
          .by_default("").on_reload(),
      flag("once", "count what there is, flush and exit").at_restart(),
      flag("verbose,v", "say what is being done").on_reload()});
  // clang-format on
  program.check = check_counting;
  return program;
}

ServerOptions server_options(const options::variables_map& values) {
  ServerOptions chosen;
  chosen.ring = values["ring"].as<std::string>();
  if (chosen.ring == "none" && is_typed(values, "ring-mib"))
    throw ConfigError("--ring-mib goes with --ring PATH");
  chosen.ring_bytes = static_cast<std::uint64_t>(values["ring-mib"].as<std::int64_t>()) << 20;
  chosen.prefix = absolute_prefix("--path", required(values, "path"));
  chosen.endpoints = texts_of(values, "bind");
  chosen.keeping = keeping_of(values, chosen.ring != "none");
  chosen.message_file = values["log"].as<std::string>();
  chosen.is_once = values["once"].as<bool>();
  chosen.is_verbose = values["verbose"].as<bool>();
  chosen.is_dry_run = values["dry-run"].as<bool>();
  chosen.backend = counting_options(values);
  chosen.backend.log_prefix = chosen.prefix;
  chosen.is_anonymized = chosen.backend.is_anonymized = values["anonymize"].as<bool>();
  if (chosen.endpoints.empty()) chosen.endpoints = {query::kDefaultEndpoint};
  return chosen;
}

}  // namespace manhattan::program
