// SPDX-License-Identifier: MIT
// A forgotten visitor is in no byte any more, and nothing else has moved.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE forget
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "log/archive.h"
#include "log/deflater.h"
#include "log/forget.h"
#include "log/forgotten.h"
#include "log/merge.h"
#include "record/text_codec.h"
#include "tests/support/databases.h"
#include "tests/support/flushes.h"
#include "tests/support/log_fixture.h"

using namespace manhattan;
using namespace std::chrono_literals;
using manhattan::testing::Folder;
using manhattan::testing::Host;
namespace data = boost::unit_test::data;

namespace {

const std::string kAnn = "1\tpage\t1353499201.5\tann\t1\t192.0.2.1\tGET\t/pie\tMozilla\t\n";
const std::string kBob = "1\tgoal\t3602\tbob\t1\tasked for ann\t1.5\tS\tC\n";
const std::string kCut =
    "1\tpage\t1353499203\tan1\tpixel\t1353499203\tann\t1\n";  // joined by a kill
const std::string kLog = kAnn + kBob + "1\tpixel\t1353499204\t\\x61nn\t1\n" + kCut + kBob + kAnn;

void write(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

void write_packed(const std::string& path, std::string_view bytes) {
  base::SystemFiles files;
  const auto fd = files.open_append(path, 0640);
  const auto format =
      path.ends_with(".gz") ? log::Inflater::Format::gzip : log::Inflater::Format::zstd;
  log::Deflater deflater(format, files, fd.get(), path);
  deflater.write(bytes);
  deflater.finish();
}

/// Everything in the log, compressed or not, in the order in which it is read.
std::string all_of(const std::string& prefix) {
  log::ArchiveFiles files([](const std::string& what) { BOOST_ERROR(what); });
  log::Merge merge(files, {prefix}, {});
  std::string text;
  while (const auto batch = merge.next(INT64_MAX)) text += batch->lines;
  return text;
}

bool mentions_ann(const std::string& text) {
  // As a visitor: a goal's name is not hers to be forgotten.
  return text.find("\tann\t") != text.npos || text.find("\\x61nn") != text.npos;
}

/// Starts of lines, which offsets are of.
std::vector<std::size_t> newlines(const std::string& text) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n') places.push_back(i);
  return places;
}

/// Loses the machine after so many changes.
class DyingFiles final : public base::SystemFiles {
 public:
  explicit DyingFiles(int changes) : left_(changes) {}
  void write_all(int fd, std::string_view bytes, const std::string& path) override {
    if (is_last()) SystemFiles::write_all(fd, bytes.substr(0, bytes.size() / 2), path), die();
    SystemFiles::write_all(fd, bytes, path);
  }
  void write_at(int fd, std::string_view bytes, std::uint64_t offset,
                const std::string& path) override {
    if (is_last())
      SystemFiles::write_at(fd, bytes.substr(0, bytes.size() / 2), offset, path), die();
    SystemFiles::write_at(fd, bytes, offset, path);
  }
  void sync(int fd, const std::string& path) override {
    if (is_last()) die();
    SystemFiles::sync(fd, path);
  }
  void rename(const std::string& from, const std::string& to) override {
    if (is_last()) die();
    SystemFiles::rename(from, to);
  }

 private:
  bool is_last() noexcept { return left_-- == 0; }
  [[noreturn]] static void die() {
    throw IoError("use", "the disk", std::make_error_code(std::errc::io_error));
  }
  int left_;
};

struct ToErase {
  const char* says;
  std::string line;
  bool is_due;
};
std::ostream& operator<<(std::ostream& out, const ToErase& c) { return out << c.says; }
const ToErase kLines[] = {
    {"a visitor's own line", kAnn, true},
    {"a name may be written with escapes", "1\tpixel\t1\t\\x61\\u006en\t1\n", true},
    {"another visitor may speak of it", kBob, false},
    {"another's name may begin like it", "1\tpixel\t1\tannabel\t1\n", false},
    {"a record with a bad value has a visitor", "1\tgoal\t1\tann\t1\tx\t1,50\n", true},
    {"a torn line that mentions it", kCut, true},
    {"a torn line that does not", "1\tpage\t36\n", false},
    {"what is erased stays", "1\tpixel\t0\t####\t0\n", false},
};

}  // namespace

BOOST_DATA_TEST_CASE(what_is_to_be_erased_is_told_apart, data::make(kLines), c) {
  std::string scratch;
  BOOST_TEST(record::is_to_erase(c.line, {"ann"}, scratch) == c.is_due);
}

BOOST_AUTO_TEST_CASE(an_erased_line_is_as_long_skipped_by_its_own_name_and_a_record_of_old) {
  for (std::size_t size = 1; size < 200; ++size) {
    std::string line(size, 'x'), scratch;
    record::erase(line);
    Record record;
    BOOST_TEST((record::decode(line, scratch, record) == record::Verdict::forgotten), line);
    BOOST_TEST(!record::is_to_erase(line, {"ann"}, scratch));
    if (size >= 13) BOOST_TEST((line.starts_with("1\tpixel\t0\t#") && line.ends_with("#\t0")));
  }
}

BOOST_AUTO_TEST_CASE(an_erasing_that_was_cut_anywhere_is_finished_by_the_next) {
  for (std::string whole : {kAnn, kCut, std::string("1\tpixel\t1353499200\tann\t1\n")}) {
    whole.pop_back();
    auto due = whole;
    record::erase(due);
    std::string scratch;
    const auto check = [&](const std::string& torn) {
      if (torn != due) BOOST_TEST(record::is_to_erase(torn, {"ann"}, scratch), torn);
    };
    const auto head = record::kErasedHeadBytes;
    // A disk may write either part first; the head is durable before anything behind it is written.
    for (std::size_t cut = 0; cut <= head; ++cut) {
      check(due.substr(0, cut) + whole.substr(cut));
      check(whole.substr(0, cut) + due.substr(cut, head - cut) + whole.substr(head));
    }
    for (auto cut = head; cut <= whole.size(); ++cut) {
      check(due.substr(0, cut) + whole.substr(cut));
      check(due.substr(0, head) + whole.substr(head, cut - head) + due.substr(cut));
    }
  }
}

BOOST_AUTO_TEST_CASE(plain_and_compressed_files_lose_a_visitor_and_nothing_moves) {
  const Folder folder;
  write(folder / "log.3600", kLog + "1\tpixel\t3605\tann");  // its writer was killed
  write_packed(folder / "log.7200.gz", kLog);
  write_packed(folder / "log.10800.zst", kLog);
  const auto before = all_of(folder / "log");
  base::SystemFiles files;
  const auto done = log::Forget(folder / "log", files).run({"ann"}, UnixNanos(1s));
  BOOST_TEST(done.lines == 13u);
  BOOST_TEST(done.files == 3u);
  const auto after = all_of(folder / "log");
  BOOST_TEST(!mentions_ann(after));
  BOOST_TEST(base::read_file(folder / "log.3600").find("\tann") == std::string::npos);
  BOOST_TEST(newlines(before) == newlines(after), boost::test_tools::per_element());
  std::size_t bobs = 0;
  for (auto at = after.find(kBob); at != after.npos; at = after.find(kBob, at + 1)) ++bobs;
  BOOST_TEST(bobs == 6u);
  BOOST_TEST((log::Forget(folder / "log", files).run({"ann"}, UnixNanos(1s)).lines == 0u));
}

BOOST_AUTO_TEST_CASE(cut_after_any_change_it_is_finished_by_the_same_call) {
  std::string due;
  for (int changes = 0;; ++changes) {
    const Folder folder;
    write(folder / "log.3600", kLog);
    write_packed(folder / "log.7200.gz", kLog);
    write_packed(folder / "log.10800.zst", kLog);
    DyingFiles dying(changes);
    bool is_done = true;
    try {
      log::Forget(folder / "log", dying).run({"ann"}, UnixNanos(1s));
    } catch (const IoError&) {
      is_done = false;
      BOOST_TEST(newlines(all_of(folder / "log")).size() == 18u);  // whole at any moment
    }
    base::SystemFiles files;
    log::Forget(folder / "log", files).run({"ann"}, UnixNanos(1s));
    const auto after = all_of(folder / "log");
    if (due.empty()) due = after;
    BOOST_TEST(after == due);
    BOOST_TEST(!mentions_ann(after));
    for (const auto& name : folder.names()) BOOST_TEST(!name.ends_with(".part"), name);
    if (is_done) break;
    BOOST_REQUIRE(changes < 100);
  }
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_told_and_the_others_are_done) {
  const Folder folder;
  write_packed(folder / "log.3600.zst", kLog);
  std::filesystem::resize_file(folder / "log.3600.zst", 40);
  write(folder / "log.7200", kLog);
  base::SystemFiles files;
  BOOST_CHECK_THROW(log::Forget(folder / "log", files).run({"ann"}, UnixNanos(1s)), DamageError);
  BOOST_TEST(!mentions_ann(base::read_file(folder / "log.7200")));
}

BOOST_AUTO_TEST_CASE(what_waits_in_ring_and_spill_log_is_erased_as_it_is_drained) {
  Host host;
  host.make_ring();
  {
    auto log = host.writer();
    BOOST_TEST((log.append(host.clock.time, kAnn) == Append::written));
    BOOST_TEST((log.append(host.clock.time, kBob) == Append::written));
    RingLog spilling("none", host.prefix, host.files);
    BOOST_TEST((spilling.append(host.clock.time, kAnn) == Append::spilled));
  }
  write(host.prefix + ".3600", kAnn);
  host.clock.time += 1s;
  log::Forget(host.prefix, host.files).run({"ann"}, host.clock.time);
  BOOST_TEST(host.has("log.forgotten"));
  host.clock.time += 10s;
  auto drain = host.drain();
  drain.recover();
  while (drain.pass() > 0) {
  }
  auto text = testing::text_of(host.prefix);
  BOOST_TEST(!mentions_ann(text));
  BOOST_TEST(newlines(text).size() == 4u);
  BOOST_TEST(text.find(kBob) != text.npos);
  drain.pass();
  BOOST_TEST(!host.has("log.forgotten"));
  // Who comes back is somebody new.
  auto log = host.writer();
  BOOST_TEST((log.append(host.clock.time, kAnn) == Append::written));
  host.clock.time += 10s;
  while (drain.pass() > 0) {
  }
  BOOST_TEST(mentions_ann(testing::text_of(host.prefix)));
}

BOOST_AUTO_TEST_CASE(a_batch_that_a_killed_server_had_begun_is_settled_before_its_bytes_change) {
  Host host;
  host.make_ring();
  {
    auto log = host.writer();
    BOOST_TEST((log.append(host.clock.time, kAnn + kBob) == Append::written));
    host.clock.time += 10s;
    auto drain = host.drain();
    drain.recover();
    host.files.fails_after_write = true;  // all of it is in the log, and it was not told
    BOOST_CHECK_THROW(drain.pass(), IoError);
    host.files.fails_after_write = false;
  }
  log::Forget(host.prefix, host.files).run({"ann"}, host.clock.time);
  auto drain = host.drain();
  drain.recover();
  while (drain.pass() > 0) {
  }
  BOOST_TEST(newlines(testing::text_of(host.prefix)).size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_log_that_a_server_has_is_refused_with_its_process) {
  const Folder folder;
  base::SystemFiles files;
  log::Journal held(folder / "log", files);
  const auto names_us = [](const ConfigError& error) {
    return std::string(error.what()).find("process " + std::to_string(getpid())) !=
           std::string::npos;
  };
  BOOST_CHECK_EXCEPTION(log::Forget(folder / "log", files), ConfigError, names_us);
}

BOOST_AUTO_TEST_CASE(a_list_or_a_journal_that_is_none_is_refused_by_name) {
  const Folder folder;
  base::SystemFiles files;
  const auto names = [&](const std::string& name) {
    return [path = folder / name](const ConfigError& error) {
      return std::string(error.what()).find(path) != std::string::npos;
    };
  };
  std::ofstream(folder / "log.lock") << std::string(8192, 'x');
  BOOST_CHECK_EXCEPTION(log::Journal(folder / "log", files), ConfigError, names("log.lock"));
  for (const char* const text : {"", "no list", "forgotten until then"}) {
    std::ofstream(folder / "log.forgotten") << text;
    BOOST_CHECK_EXCEPTION(log::Forgotten(folder / "log", files), ConfigError,
                          names("log.forgotten"));
  }
}

BOOST_DATA_TEST_CASE(a_store_forgets_a_history_and_keeps_its_counters,
                     data::make(tests::kDatabases), database) {
  const auto place = tests::new_place(database);
  const auto store = place.open();
  count::Flush flush;
  flush.number = 1;
  flush.names = {{1, "buy"}, {2, "all"}, {3, "0"}};
  flush.counters = {{{1, 0, 0, 2, 3, count::kAllSites}, {2, Decimal::from_integer(3)}}};
  flush.visitors = tests::rows({{"ann", true, "of ann"}, {"bob", true, "of bob"}});
  flush.pointer = "/log.3600:77";
  store->commit(flush);
  const std::vector<std::string> forgotten{"ann", "nobody"};
  BOOST_TEST(place.open()->forget(forgotten) == 1);
  BOOST_TEST(place.open()->forget(forgotten) == 0);
  const std::vector<std::string> both{"ann", "bob"};
  const auto left = place.open()->find_visitors(both);
  BOOST_REQUIRE(left.size() == 1u);
  BOOST_TEST(left[0].visitor == "bob");
  const auto reader = place.open_reader();
  BOOST_TEST(reader->counter({.goal = "buy"}, "0").count == 2);
  BOOST_TEST(reader->pointer() == "/log.3600:77");
  BOOST_TEST(reader->tallies()["visitor_forgotten"] == 1);
  // Whoever counted on meanwhile, with the history in memory, must not bring it back.
  flush = {};
  flush.number = 2;
  flush.visitors = tests::rows({{"ann", true, "of ann"}});
  BOOST_CHECK_EXCEPTION(store->commit(flush), store::StoreError, tests::is_final);
}
