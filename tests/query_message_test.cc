// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE query_message
#include <boost/test/unit_test.hpp>

#include "base/files.h"
#include "base/text.h"
#include "query/arguments.h"
#include "query/message.h"
#include "tests/support/vectors.h"

using manhattan::DamageError;
using manhattan::query::Arguments;
using manhattan::query::Refusal;
using manhattan::query::Request;
using manhattan::query::ServerError;
using nlohmann::json;

namespace {

/// The bytes of each hex dump in a manual page.
std::vector<std::string> dumps_in(const std::string& page) {
  std::vector<std::string> dumps;
  const auto text = manhattan::base::read_file(manhattan::tests::data_path("../../man/" + page));
  for (const auto line : manhattan::base::split(text, '\n')) {
    if (line.size() < 12 || line.find_first_not_of("0123456789abcdef ") != line.npos) continue;
    if (line.starts_with("00000000")) dumps.emplace_back();
    for (const auto byte : manhattan::base::split(line.substr(9), ' ')) {
      if (byte.empty()) continue;
      dumps.back().push_back(static_cast<char>(std::stoi(std::string(byte), nullptr, 16)));
    }
  }
  return dumps;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_example_of_the_manual_is_what_is_sent) {
  const auto dumps = dumps_in("manhattan-query.5");
  BOOST_REQUIRE(dumps.size() == 2u);
  const auto request = manhattan::query::decode_request(dumps[0]);
  BOOST_TEST(request.method == "count");
  BOOST_TEST(request.arguments == json{"pie accomplished"});
  BOOST_TEST(encode(request) == dumps[0]);
  BOOST_TEST(manhattan::query::encode_value(5) == dumps[1]);
  BOOST_TEST(manhattan::query::decode_answer(dumps[1]) == 5);
}

BOOST_AUTO_TEST_CASE(a_request_survives_its_encoding) {
  const Request request{"count", {"naïve 目標 🎯\t\n\\", nullptr, 12}, {{"site_id", 7}}};
  const auto read = manhattan::query::decode_request(encode(request));
  BOOST_TEST(read.method == request.method);
  BOOST_TEST(read.arguments == request.arguments);
  BOOST_TEST(read.named == request.named);
}

BOOST_AUTO_TEST_CASE(arguments_may_be_left_out) {
  const auto request = manhattan::query::decode_request(R"(["all_tests"])");
  BOOST_TEST(request.method == "all_tests");
  BOOST_TEST(request.arguments.empty());
  BOOST_TEST(request.named.empty());
}

BOOST_AUTO_TEST_CASE(an_answer_is_a_value_an_error_or_damage) {
  using manhattan::query::decode_answer;
  BOOST_TEST(decode_answer(manhattan::query::encode_value(5)) == 5);
  BOOST_CHECK_EXCEPTION(
      decode_answer(manhattan::query::encode_error("Kind: message")), ServerError,
      [](const auto& error) { return error.what() == std::string("Kind: message"); });
  for (const auto* bytes : {"", "[]", "[\"ok\"]", "{\"ok\":1}", "[1,2]", "[\"ok\",1"}) {
    BOOST_CHECK_THROW(decode_answer(bytes), DamageError);
  }
}

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
