// SPDX-License-Identifier: MIT
#include "bin/replay_print.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/text.h"
#include "bin/replay_records.h"
#include "log/watch.h"
#include "record/escape.h"
#include "report/table.h"
#include "report/width.h"

namespace manhattan::program {
namespace {

constexpr std::size_t kWriteBytes = 1 << 16;
constexpr std::chrono::hours kWaitMost{1};

void append_number(std::int64_t number, std::string& out) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, end);
}

/// Columns of one row; a column that is not written is empty.
class Row {
 public:
  explicit Row(std::string& out) : out_(out) {}
  Row& text(std::string_view field) {
    next();
    if (report::is_formula(field)) {
      out_ += report::escaped_start(field.substr(0, base::utf8_length(field)));
      field.remove_prefix(base::utf8_length(field));
    }
    record::append_escaped(field, out_);
    return *this;
  }
  Row& number(const std::optional<std::int64_t>& field) {
    next();
    if (field) append_number(*field, out_);
    return *this;
  }
  Row& letter(char field) {
    next();
    if (field != 0) out_.push_back(field);
    return *this;
  }
  Row& empty(int columns) {
    out_.append(static_cast<std::size_t>(columns), '\t');
    return *this;
  }

 private:
  void next() { out_.push_back('\t'); }
  std::string& out_;
};

constexpr std::string_view kHeader =
    "time\tkind\tvisitor\tsite\tname\tvalue\ttype\tformat\tpopulation\tip\tmethod\turl\tuser_agent"
    "\treferrer\tstatus\tduration_us\tresponse_bytes\n";

void append_row(const Record& record, std::string& out) {
  append_time(record.at, out);
  Row row(out);
  row.text(kind_of(record)).text(record.visitor).number(record.site);
  if (const auto* page = std::get_if<Page>(&record.event)) {
    row.empty(5).text(page->ip).text(page->method).text(page->url).text(page->user_agent);
    row.text(page->referrer).number(page->status);
    row.number(page->duration_us).number(page->response_bytes);
  } else if (const auto* goal = std::get_if<Goal>(&record.event)) {
    row.text(goal->name).text(goal->value ? goal->value->to_string() : "");
    row.letter(static_cast<char>(goal->type)).letter(static_cast<char>(goal->format)).empty(9);
  } else if (const auto* split = std::get_if<Split>(&record.event)) {
    row.text(split->name).empty(3).text(split->population).empty(8);
  } else {
    row.empty(13);
  }
  out.push_back('\n');
}

constexpr unsigned char kC1Lead = 0xc2;  // in UTF-8, of U+0080 to U+00BF

bool is_json_plain(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte != 0x7f && byte != kC1Lead && c != '"' && c != '\\';
}

/// How many at the front are plain, mostly all.
std::size_t plain_bytes(std::string_view text) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kTops = 0x80 * kOnes;
  constexpr auto has = [](std::uint64_t word, unsigned char byte) {
    const auto differences = word ^ byte * kOnes;
    return (differences - kOnes) & ~differences & kTops;
  };
  std::size_t plain = 0;
  for (; plain + sizeof kOnes <= text.size(); plain += sizeof kOnes) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + plain, sizeof word);
    const auto low = (word - 0x20 * kOnes) & ~word & kTops;
    if ((low | has(word, 0x7f) | has(word, '"') | has(word, '\\') | has(word, kC1Lead)) != 0) break;
  }
  while (plain < text.size() && is_json_plain(text[plain])) ++plain;
  return plain;
}

void append_json_text(std::string_view text, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  out.push_back('"');
  while (!text.empty()) {
    const auto plain = plain_bytes(text);
    out.append(text.substr(0, plain));
    if (plain == text.size()) break;
    const char c = text[plain];
    auto byte = static_cast<unsigned char>(c);
    const bool leads = byte == kC1Lead;
    if (leads && plain + 1 < text.size()) byte = static_cast<unsigned char>(text[plain + 1]);
    const bool is_c1 = leads && byte >= 0x80 && byte < 0xa0;
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (leads && !is_c1) {
      out.push_back(c);
    } else {
      out += {'\\', 'u', '0', '0', kDigits[byte >> 4], kDigits[byte & 15]};
    }
    text.remove_prefix(plain + (is_c1 ? 2 : 1));
  }
  out.push_back('"');
}

/// Members of one object; what is empty is left out.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) {}
  Object& text(std::string_view name, std::string_view value) {
    if (!value.empty()) append_json_text(value, member(name));
    return *this;
  }
  Object& number(std::string_view name, const std::optional<std::int64_t>& value) {
    if (value) append_number(*value, member(name));
    return *this;
  }
  Object& letter(std::string_view name, char value) {
    return text(name, std::string_view(&value, value == 0 ? 0 : 1));
  }
  Object& value(const std::optional<Decimal>& value) {
    if (value) member("value") += value->to_string();
    return *this;
  }

 private:
  std::string& member(std::string_view name) {
    ((out_ += ", \"") += name) += "\": ";
    return out_;
  }
  std::string& out_;
};

void append_object(const Record& record, std::string& out) {
  out += "{\"time\": \"";
  append_time(record.at, out);
  out.push_back('"');
  Object object(out);
  object.text("kind", kind_of(record)).text("visitor", record.visitor);
  object.number("site", record.site);
  if (const auto* page = std::get_if<Page>(&record.event)) {
    object.text("ip", page->ip).text("method", page->method).text("url", page->url);
    object.text("user_agent", page->user_agent).text("referrer", page->referrer);
    object.number("status", page->status).number("duration_us", page->duration_us);
    object.number("response_bytes", page->response_bytes).text("headers", page->headers);
  } else if (const auto* goal = std::get_if<Goal>(&record.event)) {
    object.text("name", goal->name).value(goal->value);
    object.letter("type", static_cast<char>(goal->type));
    object.letter("format", static_cast<char>(goal->format));
  } else if (const auto* split = std::get_if<Split>(&record.event)) {
    object.text("name", split->name).text("population", split->population);
  }
  out += "}\n";
}

/// Standard output, in large pieces.
class Output {
 public:
  explicit Output(base::Files& files) : files_(files) {}
  std::string& text() noexcept { return text_; }
  void write_if_large() {
    if (text_.size() >= kWriteBytes) write();
  }
  void write() {
    files_.write_all(STDOUT_FILENO, text_, "standard output");
    text_.clear();
  }

 private:
  base::Files& files_;
  std::string text_;
};

bool is_file(int fd) noexcept {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/// Waits until one of the logs has grown.
void wait_for_more(log::Watch& watch, const std::string& folder, log::Merge& logs) {
  const auto changes = watch.wait(kWaitMost);
  if (!changes.is_complete) logs.rescan();
  for (const auto& name : changes.names) logs.touch(folder + name);
}

/// With the slash behind it: what stands before the names of all logs.
std::string common_folder(const ReplayOptions& options) {
  const auto folder = base::folder_of(options.prefixes.front());
  for (const auto& prefix : options.prefixes) {
    if (base::folder_of(prefix) != folder)
      throw ConfigError("-f follows logs of one folder, and '" + prefix + "' is not in '" + folder +
                        "'");
  }
  return folder.ends_with('/') ? folder : folder + "/";
}

}  // namespace

void end_quietly_without_reader() noexcept { ::signal(SIGPIPE, SIG_DFL); }

std::string_view header(Format format) noexcept {
  return format == Format::tsv ? kHeader : std::string_view();
}

void append_record(Format format, const Record& record, std::string_view line, std::string& out) {
  switch (format) {
    case Format::text:
      out += line;
      break;
    case Format::tsv:
      append_row(record, out);
      break;
    case Format::json:
      append_object(record, out);
      break;
  }
}

void print(base::Files& files, const ReplayOptions& options, base::MessageLog& messages) {
  end_quietly_without_reader();
  const auto folder = options.is_following ? common_folder(options) : "";
  // Before the first look: what is appended in between is not missed.
  std::optional<log::Watch> watch;
  if (options.is_following) watch.emplace(std::vector{folder});
  ReplayInput input(files, options, {}, messages);
  // Whoever reads a pipe may print to the terminal that the bar is on; a file does not.
  Progress progress(is_file(STDOUT_FILENO) ? input.total_bytes() : Progress::kHidden);
  RecordReader reader(input, options.filter, progress);
  Output output(files);
  output.text() += header(options.format);
  for (;;) {
    reader.read([&](const Record& record, std::string_view line) {
      append_record(options.format, record, line, output.text());
      output.write_if_large();
      return true;
    });
    output.write();
    if (!watch) break;
    progress.clear();
    wait_for_more(*watch, folder, *input.logs());
  }
  progress.clear();
  if (const auto skipped = reader.skipped(); !skipped.empty()) messages.warning(skipped);
}

}  // namespace manhattan::program
