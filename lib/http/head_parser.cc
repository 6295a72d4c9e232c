// SPDX-License-Identifier: MIT
#include "http/head_parser.h"

#include <algorithm>

#include "base/text.h"

namespace manhattan::http {
namespace {

enum class Meaning { none, status, of_one_hop, once_only };
constexpr struct {
  std::string_view name;
  Meaning meaning;
} kMeanings[] = {{"Status", Meaning::status},
                 {"Connection", Meaning::of_one_hop},
                 {"Keep-Alive", Meaning::of_one_hop},
                 {"Proxy-Connection", Meaning::of_one_hop},
                 {"TE", Meaning::of_one_hop},
                 {"Trailer", Meaning::of_one_hop},
                 {"Transfer-Encoding", Meaning::of_one_hop},
                 {"Upgrade", Meaning::of_one_hop},
                 {"Location", Meaning::once_only},
                 {"Content-Type", Meaning::once_only},
                 {"Content-Length", Meaning::once_only}};
constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";  // RFC 9110, 5.6.2

bool is_token(std::string_view name) noexcept {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kTokenMarks.find(c) != kTokenMarks.npos;
  });
}

bool has_control(std::string_view line) noexcept {
  return std::any_of(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// A blank or a punctuation mark, as some programs put one between a status and its reason.
bool is_mark(char c) noexcept {
  const bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  const bool is_ascii = static_cast<unsigned char>(c) < 0x80;
  return is_ascii && !is_letter && !is_digit(c);
}

Meaning meaning_of(std::string_view name) noexcept {
  for (const auto& known : kMeanings) {
    if (base::equals_ignoring_case(name, known.name)) return known.meaning;
  }
  return Meaning::none;
}

/// Offset after the blank line that ends the head; npos where there is none yet. Blank lines at
/// the very start do not count. `from` is where the last search gave up.
std::size_t end_of_head(std::string_view text, std::size_t from) noexcept {
  const auto start = text.find_first_not_of("\r\n");
  if (start == text.npos) return text.npos;
  auto newline = text.find('\n', std::max(from, start));
  while (newline != text.npos) {
    const auto next = text.substr(newline + 1, 2);
    if (next.starts_with('\n')) return newline + 2;
    if (next == "\r\n") return newline + 3;
    newline = text.find('\n', newline + 1);
  }
  return text.npos;
}

/// The next line of `block` without its ending; `block` then starts after it.
std::string_view next_line(std::string_view& block) noexcept {
  auto line = base::take_piece(block, '\n');
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

HeadParser::Progress HeadParser::feed(std::string_view bytes) {
  // Mostly the whole head comes at once, and nothing is copied.
  auto text = held_.empty() ? bytes : std::string_view(held_.append(bytes));
  for (;;) {
    const auto end = end_of_head(text, scanned_);
    if (std::min(end, text.size()) > kMaxBytes) return refuse("header over 64 KiB");
    if (end == text.npos) {
      scanned_ = text.size() < 3 ? 0 : text.size() - 3;
      held_.empty() ? held_.assign(text) : held_.erase(0, held_.size() - text.size());
      return Progress::needs_more;
    }
    const auto progress = parse(text.substr(0, end));
    rest_ = text.substr(end);
    if (progress != Progress::complete || head_.status >= 200) return progress;
    text = rest_;  // an interim answer: the real one follows
    scanned_ = 0;
    head_ = {};
    has_status_ = false;
  }
}

void HeadParser::end() {
  if (why_.empty()) refuse("it ended before its header did");
}

HeadParser::Progress HeadParser::refuse(std::string why) {
  why_ = std::move(why);
  held_.clear();
  return Progress::refused;
}

HeadParser::Progress HeadParser::parse(std::string_view block) {
  block.remove_prefix(std::min(block.find_first_not_of("\r\n"), block.size()));
  std::size_t lines = 0;
  while (!block.empty()) {
    auto line = next_line(block);
    if (line.empty()) break;
    std::string unfolded;
    while (block.starts_with(' ') || block.starts_with('\t')) {
      if (unfolded.empty()) unfolded = line;
      line = unfolded.append(" ").append(base::trim(next_line(block)));
      if (++lines > kMaxLines) return refuse("header of over 1000 lines");
    }
    if (++lines > kMaxLines) return refuse("header of over 1000 lines");
    if (!take_line(line)) return Progress::refused;
  }
  if (head_.headers.empty() && !has_status_) return refuse("no header");
  if (!has_status_ && head_.find("Location")) {
    head_.status = 302;
    head_.status_text = "302 Found";
  }
  return Progress::complete;
}

bool HeadParser::take_line(std::string_view line) {
  const auto fail = [&](const char* why) { return refuse(why) != Progress::refused; };
  if (has_control(line)) return fail("control character in the header");
  const bool is_first = head_.headers.empty() && !has_status_;
  if (is_first && line.starts_with("HTTP/") && line.find(' ') != line.npos) {
    return take_status(base::trim(line.substr(line.find(' '))));
  }
  const auto colon = line.find(':');
  if (colon == line.npos) {
    remark("header line without a colon dropped");
    return true;
  }
  const auto name = line.substr(0, colon);
  if (is_token(name)) return take_header(name, base::trim(line.substr(colon + 1)));
  // `Name :` splits opinions on what the header is called, and with them requests (RFC 9112, 5.1).
  if (is_token(base::trim(name)) && !line.starts_with(' ')) return fail("blank before the colon");
  remark("header line with an invalid name dropped");
  return true;
}

bool HeadParser::take_header(std::string_view name, std::string_view value) {
  const auto meaning = meaning_of(name);
  if (meaning == Meaning::status) return take_status(value);
  if (meaning == Meaning::of_one_hop) return true;  // and that hop is the web server's
  if (meaning == Meaning::once_only && head_.find(name)) {
    remark("second " + std::string(name) + " dropped");
    return true;
  }
  if (head_.headers.empty()) head_.headers.reserve(16);
  head_.headers.push_back({std::string(name), std::string(value)});
  return true;
}

bool HeadParser::take_status(std::string_view value) {
  if (has_status_) {
    remark("second Status dropped");
    return true;
  }
  auto text = value;
  // Some programs write the whole line of HTTP there.
  if (text.starts_with("HTTP/"))
    text = base::trim(text.substr(std::min(text.find(' '), text.size())));
  const auto digits = std::find_if_not(text.begin(), text.end(), is_digit) - text.begin();
  if (digits != 3 || text[0] == '0') {
    refuse("status '" + std::string(value.substr(0, 40)) + "' is none");
    return false;
  }
  has_status_ = true;
  head_.status = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  head_.status_text = text;
  const auto reason = text.substr(3);
  if (!reason.empty() && reason[0] != ' ') {
    // `404: Not Found`, `200OK`: web servers take the code, and so do we. What they send on must
    // have a blank behind the code, though, or the client reads another one (RFC 9112, section 4).
    const auto start = std::find_if_not(reason.begin(), reason.end(), is_mark) - reason.begin();
    head_.status_text = text.substr(0, 3);
    if (const auto words = reason.substr(static_cast<std::size_t>(start)); !words.empty()) {
      head_.status_text.append(" ").append(words);
    }
    remark("status '" + std::string(value.substr(0, 40)) + "' taken for " +
           std::string(text.substr(0, 3)));
  }
  return true;
}

void HeadParser::remark(std::string text) {
  if (std::find(remarks_.begin(), remarks_.end(), text) == remarks_.end() && remarks_.size() < 16) {
    remarks_.push_back(std::move(text));
  }
}

}  // namespace manhattan::http
