// SPDX-License-Identifier: MIT
#include "bin/query_names.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/near_name.h"
#include "report/width.h"

namespace manhattan::program {
namespace {

using nlohmann::json;
using Names = std::vector<std::string>;

constexpr int kMostBuckets = 1000;  // that series answers as the largest

bool contains(const Names& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

void refuse_slip(const char* kind, const std::string& name, const Names& known) {
  if (contains(known, name)) return;
  if (const auto meant = base::near_name(name, known)) {
    throw Error("no such " + std::string(kind) + " '" + report::printable(name) +
                "'; did you mean '" + report::printable(*meant) + "'?");
  }
}

/// The first element of each row.
Names first_column(const json& rows) {
  Names names;
  for (const auto& row : rows) names.push_back(row.at(0).get<std::string>());
  return names;
}

Names known_populations(Session& session, const std::string& test) {
  Names names;
  const json named = {{"test_name", test}, {"goals", json::array()}};
  const auto split = session.call({.method = "split_results", .named = named});
  for (const auto& population : split.at("populations"))
    names.push_back(population.at("population").get<std::string>());
  return names;
}

/// Those of the rollup that hold the most visitors, by the goal or by the variant.
Names known_buckets(Session& session, const Question& question) {
  json named = {{"rollup_key", as_utf8(*question.text("rollup"))}, {"largest", kMostBuckets}};
  if (!question.operands.empty()) named["goal"] = as_utf8(question.operands[0]);
  if (const auto variant = question.text("variant")) named["variant"] = variant_in(*variant);
  if (question.site) named["site_id"] = *question.site;
  return first_column(session.call({.method = "series", .named = std::move(named)}));
}

}  // namespace

Names known_goals(Session& session) { return first_column(session.call({.method = "all_goals"})); }

Names known_tests(Session& session) { return first_column(session.call({.method = "all_tests"})); }

void need_rollup(Session& session, const Question& question) {
  const auto rollup = question.text("rollup");
  if (!rollup) return;
  const auto all = session.call({.method = "status"}).value("rollups", json::object());
  if (all.empty() || all.contains(as_utf8(*rollup))) return;
  Names known;
  std::string names;
  for (const auto& [name, spec] : all.items()) {
    known.push_back(name);
    names += (names.empty() ? "" : ", ") + report::printable(name);
  }
  throw ConfigError("the server has no rollup '" + *rollup + "', it has " + names +
                    base::did_you_mean(as_utf8(*rollup), known));
}

void refuse_slips(Session& session, const Question& question) {
  need_rollup(session, question);
  if (!question.operands.empty())
    refuse_slip("goal", as_utf8(question.operands[0]), known_goals(session));
  if (const auto given = question.text("variant")) {
    const auto [test, population] = variant_in(*given);
    refuse_slip("test", test, known_tests(session));
    refuse_slip("population", population, known_populations(session, test));
  }
  if (const auto bucket = question.text("bucket"))
    refuse_slip("bucket", as_utf8(*bucket), known_buckets(session, question));
}

void refuse_slips(Session& session, const std::string& test, const Names& goals) {
  refuse_slip("test", test, known_tests(session));
  const auto known = known_goals(session);
  for (const auto& goal : goals) refuse_slip("goal", goal, known);
}

}  // namespace manhattan::program
