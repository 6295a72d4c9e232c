// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE query_arguments
#include <boost/test/unit_test.hpp>

#include "query/arguments.h"

using manhattan::query::Arguments;
using manhattan::query::Refusal;
using manhattan::query::Request;
using nlohmann::json;

BOOST_AUTO_TEST_CASE(arguments_come_by_position_or_by_name) {
  const Request request{
      "count", {"goal"}, {{"site_id", 3}, {"bucket_id", 0}, {"variant", {"a", "b"}}}};
  const Arguments arguments(request, {"goal", "variant", "rollup_key", "bucket_id", "site_id"});
  BOOST_TEST(*arguments.text("goal") == "goal");
  BOOST_TEST(!arguments.text("rollup_key"));
  BOOST_TEST(*arguments.text_or_integer("bucket_id") == "0");
  BOOST_TEST(*arguments.integer("site_id", 0, 10) == 3);
  BOOST_TEST(arguments.pair("variant")->second == "b");
}

BOOST_AUTO_TEST_CASE(wrong_arguments_are_refused_by_name) {
  const auto message_of = [](const Request& request) -> std::string {
    try {
      const Arguments arguments(request, {"goal", "site_id"});
      arguments.required_text("goal");
      arguments.integer("site_id", 0, 10);
    } catch (const Refusal& refusal) {
      return refusal.what();
    }
    return "";
  };
  BOOST_TEST(message_of({"count", {"a", 1, 2}, json::object()}) ==
             "ArgumentError: count() takes at most 2 arguments, not 3");
  BOOST_TEST(message_of({"count", {"a"}, {{"goal", "b"}}}) ==
             "ArgumentError: count() got \"goal\" twice");
  BOOST_TEST(message_of({"count", {"a"}, {{"gaol", "b"}}}) ==
             "ArgumentError: count() has no argument \"gaol\"");
  BOOST_TEST(message_of({"count", json::array(), json::object()}) ==
             "ArgumentError: count() needs 'goal' to be a string that is not empty, not left out");
  BOOST_TEST(message_of({"count", {1}, json::object()}) ==
             "ArgumentError: count() needs 'goal' to be a string, not 1");
  for (const json& site : {json(-1), json(11), json(1.5), json("1"), json(true), json(1e30),
                           json(18446744073709551615ull)}) {
    BOOST_TEST(message_of({"count", {"a", site}, json::object()}).find("'site_id'") !=
               std::string::npos);
  }
}
