// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE replay
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "bin/replay_filter.h"
#include "bin/replay_print.h"
#include "log/archive.h"
#include "log/journal.h"
#include "log/merge.h"
#include "record/anonymize.h"
#include "record/combined.h"
#include "record/text_codec.h"
#include "tests/support/vectors.h"

using namespace manhattan;
namespace data = boost::unit_test::data;
namespace fs = std::filesystem;

namespace {

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/manhattan-replay-XXXXXX";
    BOOST_REQUIRE(mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, std::string_view bytes) const {
    std::ofstream(path_ + "/" + name, std::ios::binary) << bytes;
  }

 private:
  std::string path_;
};

std::string zstd_of(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  return packed;
}

/// With a checksum, and a block for so many bytes.
std::string blocks_of(const std::string& text, std::size_t block_bytes) {
  const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> stream(ZSTD_createCCtx(),
                                                                       ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(stream.get(), ZSTD_c_checksumFlag, 1);
  std::string packed(2 * text.size() + 1000, '\0');
  ZSTD_outBuffer out{packed.data(), packed.size(), 0};
  for (std::size_t at = 0; at < text.size(); at += block_bytes) {
    ZSTD_inBuffer in{text.data() + at, std::min(block_bytes, text.size() - at), 0};
    const bool is_last = at + block_bytes >= text.size();
    ZSTD_compressStream2(stream.get(), &out, &in, is_last ? ZSTD_e_end : ZSTD_e_flush);
  }
  packed.resize(out.pos);
  return packed;
}

/// What a command prints, whatever it says of it.
std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>/dev/null").c_str(), "r"),
                                                   pclose);
  std::string text;
  char piece[4096];
  while (const auto size = std::fread(piece, 1, sizeof piece, pipe.get())) text.append(piece, size);
  return text;
}

auto lines_in(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

std::string gzip_of(const Folder& folder, const std::string& text) {
  const auto path = folder / "made.gz";
  const auto file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return base::read_file(path);
}

/// All lines of the logs, in the order in which they are read.
std::string merged(base::Files& files, const std::vector<std::string>& prefixes,
                   std::int64_t most_lines = std::numeric_limits<std::int64_t>::max(),
                   const log::ConsumedSegments& consumed = {}) {
  log::Merge merge(files, prefixes, consumed);
  std::string text;
  while (const auto batch = merge.next(most_lines)) text += batch->lines;
  return text;
}

std::string pixels(int count, int from = 0) {
  std::string lines;
  for (int i = 0; i < count; ++i)
    lines += "1\tpixel\t" + std::to_string(from + i) + "\tv" + std::to_string(i * 7919) + "\t1\n";
  return lines;
}

Record decoded(std::string_view line, std::string& scratch) {
  Record record;
  BOOST_REQUIRE(record::decode(line, scratch, record) == record::Verdict::ok);
  return record;
}

struct FilterCase {
  const char* says;
  program::Filter filter;
  bool passes;
};
std::ostream& operator<<(std::ostream& out, const FilterCase& c) { return out << c.says; }

UnixNanos at(double seconds) {
  return UnixNanos(std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9)));
}

// Held against a goal of visitor ann on site 2 at second 100.
const FilterCase kFilters[] = {
    {"an open filter lets all through", {}, true},
    {"from is inclusive", {.from = at(100)}, true},
    {"what is before from is left out", {.from = at(100.0001)}, false},
    {"to is exclusive", {.to = at(100)}, false},
    {"what is before to passes", {.to = at(100.0001)}, true},
    {"a site of several passes", {.sites = {1, 2}}, true},
    {"another site does not", {.sites = {1}}, false},
    {"the visitor passes", {.visitors = {"ann"}}, true},
    {"a part of the name is not the visitor", {.visitors = {"an"}}, false},
    {"the kind passes", {.kinds = {"goal"}}, true},
    {"another kind does not", {.kinds = {"page", "pixel", "split"}}, false},
    {"all must hold", {.from = at(0), .sites = {2}, .visitors = {"bob"}}, false},
};

struct TimeCase {
  const char* text;
  double seconds;
};
std::ostream& operator<<(std::ostream& out, const TimeCase& c) { return out << c.text; }
const TimeCase kTimes[] = {{"1353499200", 1353499200},       {"1353499200.5", 1353499200.5},
                           {"2012-11-21", 1353456000},       {"2012-11-21T12", 1353499200},
                           {"2012-11-21T12:30", 1353501000}, {"2012-11-21T12:30:15Z", 1353501015},
                           {"2012-02-29", 1330473600}};
const char* const kNoTimes[] = {
    "", "noon", "2012-02-30", "2011-02-29", "2012-11-21T24", "2012-11-21 12", "2012-1-1", "1e300"};

/// What a page shows literally under EXAMPLE, from each block its lines.
std::vector<std::vector<std::string>> examples() {
  const auto page = base::read_file(tests::data_path("../../man/manhattan-log.5"));
  const auto section = page.substr(page.find(".Sh EXAMPLE"));
  std::vector<std::vector<std::string>> blocks;
  for (std::size_t begin = 0; (begin = section.find("\n.Bd -literal\n", begin)) != section.npos;
       ++begin) {
    auto text = section.substr(begin + 14, section.find("\n.Ed", begin) - begin - 14);
    for (const auto& [roff, plain] :
         {std::pair{"\\('e", "\xc3\xa9"}, {"\\[u2603]", "\xe2\x98\x83"}, {"\\e", "\\"}}) {
      for (std::size_t i = 0; (i = text.find(roff, i)) != text.npos; ++i)
        text.replace(i, std::string(roff).size(), plain);
    }
    auto& lines = blocks.emplace_back();
    for (const auto line : base::split(text, '\n')) lines.emplace_back(line);
  }
  return blocks;
}

struct AccessCase {
  const char* line;
  record::Access access;
  const char* text;  ///< as a line of the text log, without the visitor
};
std::ostream& operator<<(std::ostream& out, const AccessCase& c) { return out << c.line; }
const AccessCase kAccess[] = {
    {R"(192.0.2.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /pie.html HTTP/1.0" 200 2326 "http://a/b" "Mozilla/4.08 [en]")",
     record::Access::page,
     "1\tpage\t971211336.0000\t*\t0\t192.0.2.1\tGET\t/pie.html\tMozilla/4.08 [en]\thttp://a/b"
     "\t200\t\t2326\t\n"},
    {R"(::1 - - [21/Nov/2026:14:00:00 +0100] "POST /caf\xc3\xa9 HTTP/1.1" 302 - "-" "a \"b\"" 0.01)",
     record::Access::page,
     "1\tpage\t1795266000.0000\t*\t0\t::1\tPOST\t/caf\\xe9\ta \"b\"\t\t302\t\t\t\n"},
    {R"(h - - [21-Nov-2026:14:00:00 +0000] "GET / HTTP/1.1" 200 0 "-" "-")",
     record::Access::bad_time, ""},
    {R"(h - - [21/Nov/2026:14:00:00 +0000] "HEAD / HTTP/1.1" 200 0 "-" "-")",
     record::Access::other_method, ""},
    {R"(h - - [21/Nov/2026:14:00:00 +0000] "\x16\x03\x01" 400 0 "-" "-")",
     record::Access::other_method, ""},
    {R"(h - - [31/Nov/2026:14:00:00 +0000] "GET / HTTP/1.1" 200 0 "-" "-")",
     record::Access::bad_time, ""},
    {R"(h - - [10/Oct/4606:13:55:36 +0000] "GET / HTTP/1.1" 200 0 "-" "-")",
     record::Access::bad_time, ""},
    {R"(h - - [10/Oct/0000:13:55:36 +0000] "GET / HTTP/1.1" 200 0 "-" "-")",
     record::Access::bad_time, ""},
    {R"(h - - [21/Nov/2026:14:00:00 +0000] "GET / HTTP/1.1" 200 0)", record::Access::malformed, ""},
    {"nonsense", record::Access::malformed, ""},
    {"", record::Access::malformed, ""},
};

struct AddressCase {
  const char* address;
  const char* masked;
};
std::ostream& operator<<(std::ostream& out, const AddressCase& c) { return out << c.address; }
const AddressCase kAddresses[] = {{"192.0.2.77", "192.0.2.0"},
                                  {"255.255.255.255", "255.255.255.0"},
                                  {"2001:db8:1:2:3:4:5:6", "2001:db8:1::"},
                                  {"fe80::1%eth0", "fe80::"},
                                  {"::ffff:192.0.2.77", "::ffff:192.0.2.0"},
                                  {"host.example", ""},
                                  {"192.0.2.77, 10.0.0.1", ""},
                                  {"", ""}};

}  // namespace

BOOST_DATA_TEST_CASE(an_address_is_masked_or_left_out, data::make(kAddresses), c) {
  BOOST_TEST(record::masked_address(c.address) == c.masked);
}

BOOST_AUTO_TEST_CASE(headers_with_addresses_are_left_out) {
  Page page{.ip = "192.0.2.77"};
  page.headers = "Accept: a\nX-Forwarded-For: 192.0.2.77\nDNT: 1";
  std::string storage;
  record::anonymize(page, storage);
  BOOST_TEST(page.ip == "192.0.2.0");
  BOOST_TEST(page.headers == "Accept: a\nDNT: 1");
}

BOOST_DATA_TEST_CASE(a_filter_passes_what_it_says, data::make(kFilters), c) {
  std::string scratch;
  const std::string line = "1\tgoal\t100\tann\t2\tbought\n";
  BOOST_TEST(c.filter.passes(decoded(line, scratch)) == c.passes);
  BOOST_TEST(c.filter.to_string().empty() == c.filter.is_open());
}

BOOST_DATA_TEST_CASE(a_time_is_read, data::make(kTimes), c) {
  BOOST_TEST((program::parse_time("--from", c.text) == at(c.seconds)));
}

BOOST_DATA_TEST_CASE(what_is_no_time_is_refused, data::make(kNoTimes), text) {
  BOOST_CHECK_THROW(program::parse_time("--from", text), ConfigError);
}

BOOST_AUTO_TEST_CASE(lines_of_the_page_are_the_records_that_it_says) {
  const auto shown = examples();
  BOOST_REQUIRE(shown.size() == 3u);
  BOOST_REQUIRE(shown[0].size() == shown[1].size());
  for (std::size_t i = 0; i < shown[0].size(); ++i) {
    std::string scratch, json;
    program::append_record(program::Format::json, decoded(shown[0][i], scratch), "", json);
    BOOST_TEST(json == shown[1][i] + "\n");
    BOOST_TEST(nlohmann::json::accept(json));
  }
}

BOOST_AUTO_TEST_CASE(lines_that_the_page_calls_no_record_are_none_for_its_reason) {
  const auto blocks = examples();
  for (const auto& shown : blocks.at(2)) {
    const auto blank = shown.find(' ');
    Record record;
    std::string scratch;
    const auto verdict = record::decode(shown.substr(blank + 1), scratch, record);
    BOOST_TEST(record::reason_of(verdict) == "skipped_" + shown.substr(0, blank));
  }
}

BOOST_AUTO_TEST_CASE(every_row_has_a_field_for_each_column_and_no_raw_tab) {
  const auto columns = base::split(program::header(program::Format::tsv), '\t').size();
  const auto blocks = examples();
  for (const auto& line : blocks.at(0)) {
    std::string scratch, row;
    program::append_record(program::Format::tsv, decoded(line, scratch), "", row);
    BOOST_TEST(base::split(row, '\t').size() == columns, row);
    BOOST_TEST(row.find('\n') == row.size() - 1);
  }
}

BOOST_DATA_TEST_CASE(a_line_of_an_access_log_is_a_page_or_has_a_reason, data::make(kAccess), c) {
  std::string scratch, text;
  Record record;
  BOOST_REQUIRE((record::parse_access(c.line, scratch, record) == c.access));
  if (c.access != record::Access::page) {
    BOOST_TEST(record::reason_of(c.access).starts_with("skipped_access_"));
    return;
  }
  BOOST_TEST(record.visitor.size() == 39u);
  BOOST_TEST(record.visitor.starts_with("access-"));
  record.visitor = "*";
  record::encode(record, text);
  BOOST_TEST(text == c.text);
}

BOOST_AUTO_TEST_CASE(every_cut_of_an_access_line_is_no_page_or_one_with_less) {
  const std::string whole = kAccess[0].line;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::string scratch;
    Record record;
    const auto access = record::parse_access(whole.substr(0, size), scratch, record);
    BOOST_TEST((access == record::Access::malformed), size);
  }
}

BOOST_AUTO_TEST_CASE(compressed_segments_are_read_as_the_plain_ones_they_were) {
  const Folder folder;
  const std::string one = pixels(50'000), two = pixels(40'000), three = pixels(10);
  folder.write("log.3600.zst", zstd_of(one.substr(0, 9999)) + zstd_of(one.substr(9999)));
  folder.write("log.7200.gz",
               gzip_of(folder, two.substr(0, 777)) + gzip_of(folder, two.substr(777)));
  folder.write("log.10800", three);
  folder.write("log.10800.zst", zstd_of("not this one\n"));
  folder.write("log.spill.gz", "nor this");
  log::ArchiveFiles files([](const std::string& what) { BOOST_ERROR(what); });
  BOOST_TEST((merged(files, {folder / "log"}) == one + two + three));
  BOOST_TEST((merged(files, {folder / "log"}, 1000) == one + two + three));
  const log::ConsumedSegments consumed = {{folder / "log.3600", {one.size()}},
                                          {folder / "log.7200", {777}}};
  const auto rest = merged(files, {folder / "log"}, 1000, consumed);
  BOOST_TEST((rest == two.substr(777) + three));
}

BOOST_AUTO_TEST_CASE(a_compressed_file_is_read_at_any_offset) {
  const Folder folder;
  const auto plain = pixels(20'000);
  folder.write("log.3600.zst", zstd_of(plain));
  log::ArchiveFiles files([](const std::string& what) { BOOST_ERROR(what); });
  const auto path = folder / "log.3600";
  const auto fd = files.open_read(path);
  std::string into(5000, '\0');
  for (const std::uint64_t offset : {0, 4000, 9000, 8999, 100, 300'000, 299'000, 5}) {
    BOOST_TEST(files.read_at(fd.get(), into, offset, path) == into.size());
    BOOST_TEST((into == plain.substr(offset, into.size())), offset);
  }
  BOOST_TEST(files.read_at(fd.get(), into, plain.size() - 10, path) == 10u);
  BOOST_TEST(files.size(fd.get(), path) == plain.size());
}

BOOST_AUTO_TEST_CASE(every_cut_of_a_compressed_segment_is_told_and_leaves_what_others_read) {
  const Folder folder;
  const auto plain = pixels(60);
  const auto half = plain.find('\n', plain.size() / 2) + 1;
  const auto head = plain.substr(0, half), rest = plain.substr(half);
  struct Case {
    const char* suffix;
    std::string packed;
  };
  for (const auto& [suffix, packed] :
       {Case{".gz", gzip_of(folder, plain)},
        Case{".gz", gzip_of(folder, head) + gzip_of(folder, rest)}, Case{".zst", zstd_of(plain)},
        Case{".zst", blocks_of(plain, 100)}, Case{".zst", blocks_of(head, 70) + zstd_of(rest)}}) {
    const auto path = folder / (std::string("log.3600") + suffix);
    for (std::size_t size = 1; size <= packed.size(); ++size) {
      folder.write(path.substr(path.rfind('/') + 1), packed.substr(0, size));
      std::vector<std::string> told;
      log::ArchiveFiles files([&](const std::string& what) { told.push_back(what); });
      const auto text = merged(files, {folder / "log"});
      auto due = output_of(std::string(suffix == std::string(".gz") ? "zcat " : "zstdcat ") + path);
      due.resize(due.rfind('\n') + 1);
      // zlib decodes a few bits more than zcat before the end, which may be the last of a line.
      const bool is_due = suffix == std::string(".gz")
                              ? text.starts_with(due) && lines_in(text) <= lines_in(due) + 1
                              : text == due;
      BOOST_TEST(is_due,
                 suffix << " cut to " << size << ": " << text.size() << " for " << due.size());
      BOOST_TEST(plain.starts_with(text));
      const bool is_whole = size == packed.size() || text == plain.substr(0, half);
      BOOST_TEST((told.size() == 1 || (told.empty() && is_whole)), suffix << " cut to " << size);
    }
    fs::remove(path);
  }
}

BOOST_AUTO_TEST_CASE(every_flip_in_a_compressed_segment_is_told_and_adds_no_line) {
  const Folder folder;
  const auto plain = pixels(40);
  for (const auto& [suffix, packed] :
       {std::pair{".gz", gzip_of(folder, plain)}, {".zst", blocks_of(plain, 100)}}) {
    for (std::size_t at = 4; at < packed.size(); ++at) {
      auto flipped = packed;
      flipped[at] = static_cast<char>(flipped[at] ^ 4);
      folder.write(std::string("log.3600") + suffix, flipped);
      int told = 0;
      log::ArchiveFiles files([&](const std::string&) { ++told; });
      const auto text = merged(files, {folder / "log"});
      BOOST_TEST((told == 1 || text == plain || text.empty()), suffix << " flipped at " << at);
    }
    fs::remove(folder / (std::string("log.3600") + suffix));
  }
}

BOOST_AUTO_TEST_CASE(what_stands_around_a_compressed_segment_is_judged_as_zcat_does) {
  const Folder folder;
  const auto plain = pixels(600);
  const auto packed = gzip_of(folder, plain);
  auto wrong = packed;
  wrong[packed.size() - 8] = static_cast<char>(wrong[packed.size() - 8] ^ 1);  // of its checksum
  const auto blocks = blocks_of(plain, 1000);
  auto wrong_blocks = blocks;
  wrong_blocks.back() = static_cast<char>(wrong_blocks.back() ^ 1);
  struct Case {
    const char* says;
    std::string suffix, bytes;
    int told;
  };
  for (const auto& each :
       {Case{"zeros", ".gz", packed + std::string(5000, '\0'), 0},
        Case{"garbage", ".gz", packed + "garbage", 1},
        Case{"zeros and garbage", ".gz", packed + std::string(9, '\0') + "x", 1},
        Case{"a wrong checksum", ".gz", wrong, 1}, Case{"garbage", ".zst", blocks + "garbage", 1},
        Case{"a wrong checksum", ".zst", wrong_blocks, 1}}) {
    folder.write("log.3600" + each.suffix, each.bytes);
    int told = 0;
    log::ArchiveFiles files([&](const std::string&) { ++told; });
    BOOST_TEST((merged(files, {folder / "log"}) == plain), each.says << each.suffix);
    BOOST_TEST(told == each.told, each.says << each.suffix);
    fs::remove(folder / ("log.3600" + each.suffix));
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_compressed_at_all_is_none_of_ours_and_no_damage) {
  const Folder folder;
  folder.write("log.3600.gz", pixels(3));
  folder.write("log.7200.zst", pixels(3));
  int told = 0;
  log::ArchiveFiles files([&](const std::string& what) { BOOST_ERROR(what); });
  log::Merge merge(files, {folder / "log"}, {}, [&](const std::string&) { ++told; });
  BOOST_TEST(!merge.next(1));
  BOOST_TEST(told == 2);
}

BOOST_AUTO_TEST_CASE(several_logs_are_read_in_the_order_of_hours_and_times) {
  const Folder folder;
  const auto line = [](const std::string& time) { return "1\tpixel\t" + time + "\ta\t1\n"; };
  folder.write("a.3600", line("1") + line("4") + "torn by a kill\n" + line("3"));
  folder.write("b.3600", line("2") + line("3.5") + line("9"));
  folder.write("a.7200", line("8"));
  base::SystemFiles files;
  const auto due = line("1") + line("2") + line("3.5") + line("4") + "torn by a kill\n" +
                   line("3") + line("9") + line("8");
  BOOST_TEST(merged(files, {folder / "a", folder / "b"}) == due);
  BOOST_TEST(merged(files, {folder / "a", folder / "b"}, 1) == due);
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_being_written_is_left_to_the_server) {
  const Folder folder;
  const auto settled = pixels(3), pending = pixels(2, 9);
  folder.write("log.3600", settled + pending);
  base::SystemFiles files;
  log::Journal journal(folder / "log", files);
  BOOST_TEST(merged(files, {folder / "log"}) == settled + pending);
  auto step = journal.done();
  step.hour_s = 3600;
  step.offset = settled.size();
  step.length = pending.size();
  journal.prepare(step);
  BOOST_TEST(merged(files, {folder / "log"}) == settled);
  journal.commit();
  BOOST_TEST(merged(files, {folder / "log"}) == settled + pending);
  journal.prepare(step);
  journal.take_back();
  BOOST_TEST(merged(files, {folder / "log"}) == settled + pending);
}
