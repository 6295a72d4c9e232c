// SPDX-License-Identifier: MIT
// Text: the log's lines, access logs, spills.
#include "log/spill.h"
#include "record/combined.h"
#include "record/escape.h"
#include "record/text_codec.h"
#include "tests/fuzz/targets.h"

namespace manhattan::fuzz {

void records(std::string_view bytes) {
  std::string scratch, again, line, line_again;
  Record record, record_again;
  if (record::decode(bytes, scratch, record) != record::Verdict::ok) return;
  record::encode(record, line);
  require(line.ends_with('\n') && line.find('\n') == line.size() - 1, "a record is one line");
  require(record::decode(line, again, record_again) == record::Verdict::ok,
          "what was written can be read");
  record::encode(record_again, line_again);
  require(line == line_again, "and is written the same again");
}

void escapes(std::string_view bytes) {
  std::string escaped, text, raw;
  record::append_escaped(bytes, escaped);
  for (const char c : escaped) require(c >= ' ' && c <= '~', "an escaped field is plain ASCII");
  require(record::append_unescaped(escaped, text) == record::Unescape::ok,
          "what was escaped can be read");
  std::string escaped_again;
  record::append_escaped(text, escaped_again);
  require(escaped == escaped_again, "and is the same text");
  static_cast<void>(record::append_unescaped(bytes, raw));
}

void access_log(std::string_view bytes) {
  std::string scratch, line, again;
  Record record;
  if (record::parse_access(bytes, scratch, record) != record::Access::page) return;
  record::encode(record, line);
  require(record::decode(line, again, record) == record::Verdict::ok,
          "a page of an access log is a record");
}

void spill(std::string_view bytes) {
  if (const auto spilled = log::parse_spilled(bytes)) {
    std::string text;
    log::append_spilled(spilled->at, spilled->line, text);
    require(text.substr(1) == bytes, "a spilled line is written in one way only");
  }
}

}  // namespace manhattan::fuzz
