// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE wrap_reader
#include <sys/socket.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <thread>

#include "wrap/fast_cgi_records.h"
#include "wrap/request_reader.h"

using namespace manhattan;
using namespace manhattan::wrap;

namespace {

using State = RequestReader::State;

std::string record(int type, std::string_view content, unsigned id = 1) {
  std::string bytes;
  append_record(static_cast<RecordType>(type), id, content, bytes);
  return bytes;
}

std::string beginning(unsigned id = 1, char role = 1, char flags = 1) {
  const char content[8] = {0, role, flags};
  return record(1, {content, sizeof content}, id);
}

/// A record of parameters, some of them such that no program may see them.
std::string parameters() {
  using namespace std::string_literals;
  return record(4,
                "\1\1Ab"s +         //
                    "\3\1A=Bc" +    // a name with an equals sign
                    "\0\1d"s +      // without a name
                    "\3\1E\0Ff"s +  // with a NUL
                    "\7\1LD_EVIL1" + "\x80\0\0\6\x80\0\0\3LENGTHlen"s);
}

/// A whole request with a body and padding, and the beginning of a further one.
std::string sample() {
  auto padded = record(5, "body");
  padded[6] = 3;
  return record(9, "", 0) + beginning() + parameters() + record(4, "") + padded + "pad" +
         record(5, "ies") + record(5, "") + beginning(2);
}

/// A connection on which each piece comes by itself, and then the end.
Connection connection_with(const std::vector<std::string>& pieces, base::UniqueFd& server) {
  int ends[2];
  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  server.reset(ends[1]);
  for (const auto& piece : pieces) {
    if (!piece.empty()) ::send(ends[1], piece.data(), piece.size(), 0);
  }
  ::shutdown(ends[1], SHUT_WR);
  return {base::UniqueFd(ends[0])};
}

/// As a worker does, again and again until a request begins or nothing more comes.
std::unique_ptr<RequestReader> read_request(Connection connection) {
  for (;;) {
    auto reader = std::make_unique<RequestReader>(std::move(connection));
    if (reader->state() != State::idle) return reader;
    connection = reader->release();
  }
}

std::string body_of(RequestReader& reader) {
  std::string body;
  std::array<char, 5> piece;
  while (const auto got = reader.read(piece)) body.append(piece.data(), got);
  return body;
}

void check_sample(const std::vector<std::string>& pieces) {
  base::UniqueFd server;
  const auto reader = read_request(connection_with(pieces, server));
  BOOST_TEST_REQUIRE((reader->state() == State::body));
  BOOST_TEST(reader->id() == 1U);
  BOOST_TEST(reader->is_to_be_kept());
  const auto environment = reader->take_environment();
  BOOST_TEST(environment.get("A") == "b");
  BOOST_TEST(environment.get("LENGTH") == "len");
  BOOST_TEST(environment.block().size() == 3U);  // and the null at the end
  BOOST_TEST(body_of(*reader) == "bodyies");
  BOOST_TEST(reader->is_whole());
  const auto next = read_request(reader->release());
  BOOST_TEST(next->id() == 2U);
  BOOST_TEST((next->state() == State::broken));  // it stops after its beginning
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_request_reads_the_same_wherever_it_is_cut) {
  const auto all = sample();
  for (std::size_t at = 0; at < all.size(); ++at) {
    BOOST_TEST_CONTEXT("cut at " << at) { check_sample({all.substr(0, at), all.substr(at)}); }
  }
  std::vector<std::string> bytes;
  for (const char byte : all) bytes.emplace_back(1, byte);
  check_sample(bytes);
}

BOOST_AUTO_TEST_CASE(a_request_that_stops_anywhere_is_broken_and_never_whole) {
  const auto all = sample();
  const auto end = all.size() - beginning().size();
  for (std::size_t size = 0; size < end; ++size) {
    base::UniqueFd server;
    const auto reader = read_request(connection_with({all.substr(0, size)}, server));
    body_of(*reader);
    BOOST_TEST((reader->state() == State::broken), "cut at " << size);
    BOOST_TEST(!reader->is_whole());
  }
}

BOOST_AUTO_TEST_CASE(a_request_with_a_bit_flipped_comes_to_an_end) {
  const auto all = sample();
  for (std::size_t bit = 0; bit < all.size() * 8; ++bit) {
    auto flipped = all;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    base::UniqueFd server;
    const auto reader = read_request(connection_with({flipped}, server));
    BOOST_TEST(body_of(*reader).size() < all.size());
    BOOST_TEST((reader->state() == State::broken || reader->state() == State::complete),
               "bit " << bit);
  }
}

struct BrokenCase {
  const char* says;
  std::string bytes;
};
std::ostream& operator<<(std::ostream& out, const BrokenCase& c) { return out << c.says; }

const BrokenCase kBroken[] = {
    {"another version", std::string(8, '\2')},
    {"a beginning of no request", beginning(0)},
    {"a beginning that is too short", record(1, "abc")},
    {"a body before the parameters are over", beginning() + record(5, "a")},
    {"the request taken back in its parameters", beginning() + record(2, "")},
    {"a value longer than what there is", beginning() + record(4, "\1\xff") + record(4, "")},
    {"a name of 2 GiB", beginning() + record(4, "\xff\xff\xff\xff\1") + record(4, "")},
    {"half a length", beginning() + record(4, "\x80\1") + record(4, "")},
};

BOOST_DATA_TEST_CASE(what_is_no_request_is_broken, boost::unit_test::data::make(kBroken), c) {
  base::UniqueFd server;
  BOOST_TEST((read_request(connection_with({c.bytes}, server))->state() == State::broken));
}

namespace {

struct Outcome {
  State state;
  bool is_too_large;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// What becomes of a request with these records of parameters.
Outcome outcome_of(const std::vector<std::string>& contents) {
  std::vector<std::string> pieces{beginning()};
  for (const auto& content : contents) pieces.push_back(record(4, content));
  int ends[2];
  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const base::UniqueFd server(ends[1]);
  std::thread sender([&] {
    for (const auto& piece : pieces) {
      if (::send(ends[1], piece.data(), piece.size(), MSG_NOSIGNAL) < 0) return;
    }
  });
  Outcome outcome{};
  {
    const RequestReader reader({base::UniqueFd(ends[0])});
    outcome = {reader.state(), reader.is_too_large()};
  }
  sender.join();
  return outcome;
}

}  // namespace

BOOST_AUTO_TEST_CASE(parameters_have_a_limit) {
  const auto variables = [](int count) {
    std::vector<std::string> contents(1);
    for (int i = 0; i < count; ++i) {
      if (contents.back().size() > 60'000) contents.emplace_back();
      contents.back().append({'\6', '\0'}).append(std::to_string(100'000 + i));
    }
    contents.push_back("");
    return contents;
  };
  constexpr Outcome kSound{State::body, false}, kTooLarge{State::body, true};
  BOOST_TEST((outcome_of(variables(1000)) == kSound));
  for (const int count : {1001, 12'000, 100'000})
    BOOST_TEST((outcome_of(variables(count)) == kTooLarge), count);
  // One of a megabyte and more, and one that ends at no time.
  std::vector<std::string> large(20, std::string(60'000, 'x'));
  large.push_back("");
  BOOST_TEST((outcome_of(large) == kTooLarge));
  const std::vector<std::string> endless(600, std::string(65'535, '\0'));
  BOOST_TEST((outcome_of(endless).state == State::broken));
}

BOOST_AUTO_TEST_CASE(requests_that_are_refused_leave_the_connection_for_others) {
  base::UniqueFd server;
  const auto reader = read_request(connection_with(
      {beginning(3, 2) + record(4, "", 3) + record(5, "", 3), beginning() + beginning(4),
       record(4, "", 4) + parameters() + record(4, "") + record(5, "")},
      server));
  body_of(*reader);
  BOOST_TEST(reader->is_whole());
  BOOST_TEST(reader->take_environment().get("A") == "b");
  std::string refusals, got(64, '\0');
  append_end(3, kUnknownRole, refusals);
  append_end(4, kCantMultiplex, refusals);
  for (std::size_t at = 0; at < refusals.size(); at += 16) {
    BOOST_TEST(::recv(server.get(), got.data() + at, 16, 0) == 16);
  }
  BOOST_TEST(got.substr(0, refusals.size()) == refusals);
}
