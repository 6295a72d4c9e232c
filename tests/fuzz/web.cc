// SPDX-License-Identifier: MIT
// What browsers, web servers and wrapped programs say.
#include <string>
#include <vector>

#include "http/caching.h"
#include "http/head_parser.h"
#include "http/html_scanner.h"
#include "http/pieces.h"
#include "http/pixel_injector.h"
#include "http/report.h"
#include "http/request.h"
#include "http/rewrite.h"
#include "http/xhtml_scanner.h"
#include "tests/fuzz/targets.h"
#include "tests/support/answer_text.h"
#include "visitor/cookie.h"

namespace manhattan::fuzz {

using Progress = http::HeadParser::Progress;

void heads(std::string_view bytes) {
  http::HeadParser whole, cut;
  const auto progress = whole.feed(bytes);
  auto progress_of_cut = Progress::needs_more;
  std::string rest;
  in_pieces(bytes, [&](std::string_view piece) {
    if (progress_of_cut == Progress::needs_more) {
      progress_of_cut = cut.feed(piece);
      if (progress_of_cut == Progress::complete) rest = cut.rest();
    } else {
      rest += piece;
    }
  });
  require(bytes.empty() || progress == progress_of_cut, "a head reads alike however it is cut");
  if (progress != Progress::complete) return;
  require(tests::text_of(whole.head()) == tests::text_of(cut.head()) && whole.rest() == rest,
          "with the same headers and body");
  auto& head = whole.head();
  http::add_cookie(head, http::cookie_to_set("manhattan", "v.s", false));
  if (http::page_for_pixel(head, {}, "/vpixel.gif")) http::prepare_for_pixel(head);
  const auto text = tests::text_of(head);
  require(text.find('\0') == text.npos, "no control character gets to the web server");
  http::HeadParser again;
  require(again.feed(text) == Progress::complete && again.rest().empty(),
          "what is passed on is one head");
}

void injection(std::string_view bytes) {
  const std::string tag = http::pixel_tag("/vpixel.gif");
  for (const bool is_xml : {false, true}) {
    const http::Pixel pixel{tag, {.is_xml = is_xml, .is_shown_alone = bytes.size() % 2 == 1}};
    tests::TextSink whole, cut, abandoned;
    http::PixelInjector one(pixel), other(pixel), ended(pixel);
    one.feed(bytes, whole);
    one.finish(whole);
    in_pieces(bytes, [&](std::string_view piece) {
      other.feed(piece, cut);
      ended.feed(piece, abandoned);
    });
    other.finish(cut);
    ended.abandon(abandoned);
    require(whole.text == cut.text, "a page gets its pixel in the same place however it is cut");
    const auto at = whole.text.find(tag);
    const auto rest = at == std::string::npos ? 0 : at + tag.size();
    require(whole.text.substr(0, rest ? at : 0) + whole.text.substr(rest) == bytes ||
                bytes.find(tag) != bytes.npos,
            "without its pixel a page is as it was");
    require(abandoned.text == bytes || abandoned.text == whole.text,
            "a page that breaks off gets no pixel that a whole one has not");
  }
}

namespace {

/// Where `scanner` finds the place, fed in pieces; nothing: nowhere.
template <typename Scanner>
std::optional<std::ptrdiff_t> place_in_pieces(Scanner scanner, std::string_view bytes,
                                              std::size_t step) {
  bool was_hopeless = false;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const auto undecided = static_cast<std::ptrdiff_t>(scanner.undecided_bytes());
    const auto piece = bytes.substr(at, step);
    if (const auto place = scanner.find_place(piece)) {
      require(!was_hopeless, "what has no place never gets one");
      require(*place >= 0 || *place == -undecided, "a place before a piece is that of a tag in it");
      return *place + static_cast<std::ptrdiff_t>(at);
    }
    was_hopeless = scanner.is_hopeless();
    require(scanner.undecided_bytes() <= http::HtmlScanner::kMaxUndecidedBytes &&
                scanner.undecided_bytes() <= at + piece.size(),
            "little is undecided");
  }
  if (!scanner.takes_end()) return {};
  return static_cast<std::ptrdiff_t>(bytes.size() - scanner.undecided_bytes());
}

template <typename Scanner>
void scan(const Scanner& scanner, std::string_view bytes) {
  const auto place = place_in_pieces(scanner, bytes, bytes.size() + 1);
  for (const std::size_t step : {1, 2, 3, 64, 67, 300}) {
    require(place_in_pieces(scanner, bytes, step) == place, "a place does not depend on cuts");
  }
}

}  // namespace

void pages(std::string_view bytes) {
  scan(http::HtmlScanner(true), bytes);
  scan(http::XhtmlScanner(), bytes);
  // Most inputs are no page, most of which would end the search at once.
  scan(http::HtmlScanner(false), "<html>" + std::string(bytes));
  scan(http::XhtmlScanner(), "<html xmlns=\"http://www.w3.org/1999/xhtml\">" + std::string(bytes));
}

void cookies(std::string_view bytes) {
  static const visitor::Signer signer({"new secret", "old secret"});
  for (auto left = bytes; const auto value = http::take_cookie(left, "manhattan");) {
    if (const auto verified = signer.verify(*value)) {
      require(value->size() > verified->visitor.size() + 40, "no visitor without a signature");
    }
  }
  const auto verified = signer.verify(signer.sign(bytes));
  require(verified && verified->visitor == bytes, "what was signed verifies");
  require(!signer.verify(bytes) || bytes.size() > 40, "nothing unsigned does");
}

void requests(std::string_view bytes) {
  http::Environment environment;
  std::vector<std::string> variables;
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    environment.add(bytes.substr(0, end));
    variables.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
  }
  std::vector<char*> block;
  for (auto& variable : variables) block.push_back(variable.data());
  block.push_back(nullptr);
  require(environment.block().back() == nullptr, "the variables end");
  static const http::TrustedProxies proxies({"10.0.0.0/8", "unix:"});
  const auto request = http::make_request(environment, proxies);
  const auto at_once = http::make_request(block.data(), proxies);
  require(!at_once || *at_once == request, "a request is the same whichever way it is read");
  for (const char c : request.host) require(c < 'A' || c > 'Z', "a host is in lower case");
}

void reports(std::string_view bytes) {
  if (const auto goal = http::parse_goal(bytes)) {
    require(!goal->name.empty(), "a goal has a name");
  }
  if (const auto split = http::parse_split(bytes)) {
    require(!split->name.empty(), "a split has a name");
  }
}

}  // namespace manhattan::fuzz
