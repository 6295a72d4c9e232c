// SPDX-License-Identifier: MIT
#include "http/xhtml_scanner.h"

#include <algorithm>

namespace manhattan::http {
namespace {

constexpr std::string_view kNamespace = "http://www.w3.org/1999/xhtml";
constexpr std::string_view kCdata = "[CDATA[", kDoctype = "DOCTYPE";  // behind `<!`

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
constexpr bool ends_name(char c) noexcept { return is_blank(c) || c == '/' || c == '>'; }

}  // namespace

std::optional<std::ptrdiff_t> XhtmlScanner::find_place(std::string_view bytes) noexcept {
  const auto size = bytes.size();
  std::size_t i = 0;
  while (i < size && !is_hopeless_) {
    const char c = bytes[i];
    switch (state_) {
      case State::content:
        if (depth_ == 0 && c != '<') {  // blanks, or a byte order mark
          is_hopeless_ = !is_blank(c) && static_cast<unsigned char>(c) < 0x80;
          ++i;
          break;
        }
        i = std::min(bytes.find('<', i), size);
        if (i == size) break;
        state_ = State::tag_open;
        ++i;
        break;

      case State::tag_open:
        start_text();
        ++i;
        if (c == '/') {
          state_ = State::end_tag_name;
        } else if (c == '!') {
          state_ = State::markup;
        } else if (c == '?') {
          run_ = 0;
          state_ = State::instruction;
        } else {
          add_to_text(c);
          state_ = State::tag_name;
        }
        break;

      case State::end_tag_name:
        while (i < size && bytes[i] != '>' && !is_blank(bytes[i])) add_to_text(bytes[i++]);
        if (i == size) break;
        if (ends_page()) {
          return static_cast<std::ptrdiff_t>(i) - static_cast<std::ptrdiff_t>(text().size()) - 2;
        }
        is_hopeless_ = depth_ <= 1;
        if (depth_ > 0) --depth_;
        is_slash_last_ = false;
        state_ = State::in_tag;
        break;

      case State::tag_name:
        while (i < size && !ends_name(bytes[i])) add_to_text(bytes[i++]);
        if (i == size) break;
        open_element();
        is_slash_last_ = false;
        state_ = State::in_tag;
        break;

      case State::in_tag:
        if (c == '>') {
          if (depth_ == 1 && !is_xhtml_) is_hopeless_ = true;
          if (is_slash_last_) --depth_;
          state_ = State::content;
        } else if (c == '"' || c == '\'') {
          quote_ = c;
          is_namespace_ = depth_ == 1 && text() == "xmlns";
          start_text();
          state_ = State::in_value;
        } else if (c == '/' || c == '=' || is_blank(c)) {
          is_slash_last_ = c == '/';
        } else {
          is_slash_last_ = false;
          start_text();
          state_ = State::in_attribute_name;
          break;
        }
        ++i;
        break;

      case State::in_attribute_name:
        while (i < size && !ends_name(bytes[i]) && bytes[i] != '=') add_to_text(bytes[i++]);
        if (i < size) state_ = State::in_tag;
        break;

      case State::in_value:
        for (; i < size && bytes[i] != quote_; ++i) add_to_text(bytes[i]);
        if (i == size) break;
        if (is_namespace_) is_xhtml_ = text() == kNamespace;
        start_text();
        state_ = State::in_tag;
        ++i;
        break;

      case State::markup:
        add_to_text(c);
        ++i;
        run_ = 0;
        if (text() == "--") {
          state_ = State::comment;
        } else if (text() == kCdata) {
          state_ = State::cdata;
        } else if (text() == kDoctype) {
          state_ = State::doctype;
        } else if (!std::string_view("--").starts_with(text()) && !kCdata.starts_with(text()) &&
                   !kDoctype.starts_with(text())) {
          is_hopeless_ = true;
        }
        break;

      case State::comment:
      case State::cdata:
        if (c == (state_ == State::comment ? '-' : ']')) {
          run_ = static_cast<std::uint8_t>(std::min(run_ + 1, 2));
        } else {
          if (c == '>' && run_ == 2) state_ = State::content;
          run_ = 0;
        }
        ++i;
        break;

      case State::instruction:
        if (c == '>' && run_ == 1) state_ = State::content;
        run_ = c == '?' ? 1 : 0;
        ++i;
        break;

      case State::doctype:
        if (c == '>') state_ = State::content;
        if (c == '[') is_hopeless_ = true;  // entities may hold tags
        if (c == '"' || c == '\'') {
          quote_ = c;
          state_ = State::doctype_quoted;
        }
        ++i;
        break;

      case State::doctype_quoted:
        if (c == quote_) state_ = State::doctype;
        ++i;
        break;
    }
  }
  return {};
}

std::size_t XhtmlScanner::undecided_bytes() const noexcept {
  if (is_hopeless_) return 0;
  if (state_ == State::tag_open) return 1;
  if (state_ != State::end_tag_name) return 0;
  const bool may_end =
      std::string_view("body").starts_with(text()) || std::string_view("html").starts_with(text());
  return may_end ? 2 + text().size() : 0;
}

void XhtmlScanner::add_to_text(char c) noexcept {
  if (text_bytes_ < kMaxTextBytes) text_[text_bytes_] = c;
  if (text_bytes_ <= kMaxTextBytes) ++text_bytes_;
}

/// Of one that is cut, what no name or value that counts equals.
std::string_view XhtmlScanner::text() const noexcept {
  return {text_.data(), std::min<std::size_t>(text_bytes_, kMaxTextBytes)};
}

bool XhtmlScanner::ends_page() const noexcept {
  return (depth_ == 2 && text() == "body") || (depth_ == 1 && text() == "html");
}

void XhtmlScanner::open_element() noexcept {
  const bool is_no_page = depth_ == 0 ? text() != "html" : depth_ == 1 && text() == "frameset";
  if (is_no_page) is_hopeless_ = true;
  ++depth_;
}

}  // namespace manhattan::http
