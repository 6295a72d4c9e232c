// SPDX-License-Identifier: MIT
#pragma once

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "stats/interval.h"
#include "stats/proportions.h"
#include "tests/support/vectors.h"

namespace manhattan::tests {

/// One case of statistics.json; `is` compares at the case's tolerance.
class StatisticsCase {
 public:
  explicit StatisticsCase(const std::string& id) : id_(id) {
    static const nlohmann::json all = read_json("statistics.json");
    for (const auto& each : all.at("cases")) {
      if (each.at("id") == id) case_ = each;
    }
    BOOST_REQUIRE_MESSAGE(!case_.is_null(), "no case " << id);
  }

  /// `case.field` of all that no test compared; none where a test ran alone.
  static std::vector<std::string> not_compared() {
    std::vector<std::string> fields;
    const auto file = read_json("statistics.json");
    for (const auto& each : file.at("cases")) {
      for (const auto& [name, value] : each.at("expected").items()) {
        const auto field = each.at("id").get<std::string>() + "." + name;
        if (!used().empty() && used().count(field) == 0) fields.push_back(field);
      }
    }
    return fields;
  }

  const nlohmann::json& in(const char* name) const { return case_.at("input").at(name); }
  stats::Proportion arm(const std::string& suffix) const {
    return {in(("n_" + suffix).c_str()), in(("x_" + suffix).c_str())};
  }
  void is(const std::string& field, double got) const { check(field, got, due(field)); }
  void is(const std::string& field, stats::Interval got) const {
    check(field, got.low, due(field).at(0));
    check(field, got.high, due(field).at(1));
  }
  void is(const std::string& field, const std::vector<double>& got) const {
    BOOST_REQUIRE(got.size() == due(field).size());
    for (std::size_t i = 0; i < got.size(); ++i) check(field, got[i], due(field).at(i));
  }
  const nlohmann::json& due(const std::string& field) const {
    return case_.at("expected").at(field);
  }

 private:
  static std::set<std::string>& used() {
    static std::set<std::string> fields;
    return fields;
  }
  void check(const std::string& field, double got, double due) const {
    used().insert(id_ + "." + field);
    const double off = std::abs(got - due), allowed = case_.at("rel_tol").get<double>();
    BOOST_TEST(off <= allowed * std::abs(due), id_ << '.' << field << ": got " << got << ", not "
                                                   << due << "; off by " << off / std::abs(due));
  }

  std::string id_;
  nlohmann::json case_;
};

}  // namespace manhattan::tests
