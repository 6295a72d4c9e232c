// SPDX-License-Identifier: MIT
// What is refused in a folder that others may write, and what is not elsewhere.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE folder
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ostream>
#include <thread>

#include "base/files.h"
#include "base/folder.h"
#include "base/message_log.h"
#include "base/replacement.h"
#include "base/secret.h"
#include "tests/support/log_fixture.h"

using namespace manhattan;
using base::Maker;
using base::RefusedError;
namespace data = boost::unit_test::data;
namespace fs = std::filesystem;

namespace {

constexpr uid_t kStranger = 65534;

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

/// Two folders: one that the whole group may write, and one that only we may.
struct Place {
  Place() {
    for (const auto& path : {ours, shared}) fs::create_directory(path);
    BOOST_REQUIRE(::chmod(ours.c_str(), 0755) == 0 && ::chmod(shared.c_str(), 0770) == 0);
    write(secret, "secret");
  }
  testing::Folder root;
  std::string ours = root / "ours", shared = root / "shared", secret = ours + "/secret";
  std::string path = shared + "/file";
  base::SystemFiles files;
};

struct Planted {
  const char* says;
  std::function<void(const Place&)> plant;
  std::string why;
};
std::ostream& operator<<(std::ostream& out, const Planted& c) { return out << c.says; }

void make_socket(const Place& place) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  place.path.copy(address.sun_path, sizeof address.sun_path - 1);
  const base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  BOOST_REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
}

const Planted kPlanted[] = {
    {"a link", [](auto& at) { fs::create_symlink(at.secret, at.path); }, "it is a link"},
    {"a link that leads nowhere", [](auto& at) { fs::create_symlink(at.ours + "/new", at.path); },
     "it is a link"},
    {"a link to a file beside it",
     [](auto& at) {
       write(at.path + "2", "x");
       fs::create_symlink("file2", at.path);
     },
     "it is a link"},
    {"a second name of another's file", [](auto& at) { fs::create_hard_link(at.secret, at.path); },
     "it has a second name"},
    {"a fifo", [](auto& at) { BOOST_REQUIRE(::mkfifo(at.path.c_str(), 0666) == 0); },
     "it is no regular file"},
    {"a socket", make_socket, "it is no regular file"},
    {"a folder", [](auto& at) { fs::create_directory(at.path); }, "it is a folder"},
};

/// That `open` refuses, names the file and the reason, and leaves all as it is.
void check_refused(const Place& place, const std::string& why, const std::function<void()>& open) {
  const auto before = fs::symlink_status(place.path).type();
  BOOST_CHECK_EXCEPTION(open(), RefusedError, [&](const RefusedError& error) {
    BOOST_TEST_MESSAGE(error.what());
    return std::string(error.what()).find("'" + place.path + "': " + why) != std::string::npos;
  });
  BOOST_TEST((fs::symlink_status(place.path).type() == before));
  BOOST_TEST(base::read_file(place.secret) == "secret");
  BOOST_TEST(!fs::exists(place.ours + "/new"));
}

/// Gives the file to another user and group, which takes root.
void give(const std::string& path, uid_t user, gid_t group) {
  BOOST_REQUIRE(::chown(path.c_str(), user, group) == 0);
}
const auto kIsRoot = [](boost::unit_test::test_unit_id) {
  return boost::test_tools::assertion_result(::geteuid() == 0);
};

}  // namespace

BOOST_DATA_TEST_CASE(what_others_planted_is_opened_in_no_way, data::make(kPlanted), planted) {
  Place at;
  planted.plant(at);
  check_refused(at, planted.why, [&] { at.files.open_read(at.path); });
  check_refused(at, planted.why, [&] { at.files.open_own(at.path); });
  check_refused(at, planted.why, [&] { at.files.open_update(at.path); });
  check_refused(at, planted.why, [&] { at.files.open_append(at.path, 0640); });
  check_refused(at, planted.why, [&] { at.files.open_shared(at.path, 0660); });
  check_refused(at, planted.why, [&] { base::read_file(at.path); });
  check_refused(at, planted.why, [&] {
    base::MessageLog("test", base::MessageLog::Level::info, at.path).error("x");
  });
  if (fs::exists(fs::symlink_status(at.path)) && !fs::is_directory(at.path))
    check_refused(at, "it is", [&] {
      if (planted.why == "it has a second name") throw RefusedError("open", at.path, "it is");
      base::Folder(at.shared).check("file");
    });
  BOOST_CHECK_THROW(at.files.create(at.path, 0640), IoError);
  BOOST_TEST(base::read_file(at.secret) == "secret");
}

BOOST_AUTO_TEST_CASE(a_secret_is_read_from_no_place_where_others_may_put_theirs) {
  Place at;
  ::chmod(at.secret.c_str(), 0600);
  fs::create_symlink(at.secret, at.path);
  BOOST_CHECK_THROW(base::read_secret(at.path), ConfigError);
  fs::create_symlink(at.secret, at.ours + "/link");
  BOOST_TEST(base::read_secret(at.ours + "/link") == "secret");
  ::chmod(at.secret.c_str(), 0604);
  BOOST_CHECK_THROW(base::read_secret(at.ours + "/link"), ConfigError);
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_reached_by_a_link_is_the_administrators_choice) {
  Place at;
  fs::create_directory_symlink(at.shared, at.root / "log");
  at.files.write_all(at.files.open_append(at.root / "log/file", 0640).get(), "x", "");
  BOOST_TEST(base::read_file(at.path) == "x");
  BOOST_TEST(base::read_file(at.root / "log/file") == "x");
}

BOOST_AUTO_TEST_CASE(in_a_folder_of_our_own_links_are_followed_and_devices_opened) {
  Place at;
  fs::create_symlink(at.secret, at.ours + "/link");
  fs::create_hard_link(at.secret, at.ours + "/second");
  BOOST_TEST(base::read_file(at.ours + "/link") == "secret");
  BOOST_TEST(base::read_file(at.ours + "/second") == "secret");
  base::MessageLog("test", base::MessageLog::Level::info, "/dev/null").error("x");
  base::MessageLog("test", base::MessageLog::Level::info, at.ours + "/link").error("x");
  BOOST_TEST(base::read_file(at.secret).ends_with("test: error: x\n"));
}

BOOST_AUTO_TEST_CASE(a_message_log_that_is_a_fifo_waits_for_no_reader) {
  Place at;
  const auto path = at.ours + "/fifo";
  BOOST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  BOOST_CHECK_THROW(base::MessageLog("test", base::MessageLog::Level::info, path), RefusedError);
  const base::UniqueFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  base::MessageLog("test", base::MessageLog::Level::info, path).error("x");
  char text[100];
  BOOST_TEST(::read(reader.get(), text, sizeof text) > 0);
}

BOOST_AUTO_TEST_CASE(nothing_is_opened_where_nothing_is) {
  Place at;
  BOOST_TEST(!at.files.open_read(at.path));
  BOOST_TEST(!at.files.open_own(at.shared + "/no/such"));
  BOOST_CHECK_THROW(at.files.open_update(at.path), IoError);
  BOOST_CHECK_THROW(at.files.open_append(at.shared + "/no/such", 0640), IoError);
  at.files.remove(at.path);
}

BOOST_AUTO_TEST_CASE(who_is_a_stranger_to_the_folder_has_made_no_file_of_ours,
                     *boost::unit_test::precondition(kIsRoot)) {
  Place at;
  give(at.shared, 0, 1);
  write(at.path, "x");
  give(at.path, kStranger, kStranger);
  check_refused(at, "it belongs to user 65534", [&] { at.files.open_read(at.path); });
  check_refused(at, "it belongs to user 65534", [&] { at.files.open_shared(at.path, 0660); });
  give(at.path, kStranger, 1);  // of the group that shares the folder
  BOOST_TEST(bool(at.files.open_read(at.path)));
  BOOST_TEST(bool(at.files.open_shared(at.path, 0660)));
  check_refused(at, "it belongs to user 65534", [&] { at.files.open_own(at.path); });
  check_refused(at, "it belongs to user 65534", [&] { at.files.open_append(at.path, 0640); });
  give(at.path, kStranger, 0);  // of our own group
  BOOST_TEST(bool(at.files.open_read(at.path)));
  ::chmod(at.shared.c_str(), 0755);  // nobody else can have put it there
  give(at.path, kStranger, kStranger);
  BOOST_TEST(bool(at.files.open_append(at.path, 0640)));
}

BOOST_AUTO_TEST_CASE(a_folder_of_another_user_is_one_that_others_write,
                     *boost::unit_test::precondition(kIsRoot)) {
  Place at;
  ::chmod(at.shared.c_str(), 0755);
  give(at.shared, kStranger, kStranger);
  fs::create_symlink(at.secret, at.path);
  check_refused(at, "it is a link", [&] { at.files.open_read(at.path); });
  fs::remove(at.path);
  write(at.path, "x");
  give(at.path, kStranger, kStranger);  // its owner may have files there
  BOOST_TEST(bool(at.files.open_append(at.path, 0640)));
  give(at.path, kStranger - 1, kStranger);
  check_refused(at, "it belongs to user 65533", [&] { at.files.open_append(at.path, 0640); });
}

BOOST_AUTO_TEST_CASE(a_name_that_is_swapped_all_the_while_never_opens_what_a_link_leads_to) {
  Place at;
  write(at.shared + "/good", "fine");
  std::atomic<bool> is_over{false};
  std::thread swapping([&] {
    for (int i = 0; !is_over.load(std::memory_order_relaxed); ++i) {
      const auto next = at.shared + "/next";
      ::unlink(next.c_str());  // two names of one file are not renamed to each other
      const int done = i % 3 == 0   ? ::symlink(at.secret.c_str(), next.c_str())
                       : i % 3 == 1 ? ::link(at.secret.c_str(), next.c_str())
                                    : (write(next, "fine"), 0);
      if (done == 0) ::rename(next.c_str(), at.path.c_str());
    }
  });
  int opened = 0;
  int leaked = 0;
  int refused = 0;
  for (int i = 0; i < 1'000'000 && (opened < 300 || refused < 300); ++i) {
    try {
      const auto fd = at.files.open_read(at.path);
      if (!fd) continue;
      const auto text = base::read_all(at.files, fd.get(), at.path);
      leaked += text == "secret";
      ++opened;
    } catch (const IoError&) {  // refused, or swapped too often
      ++refused;
    }
  }
  is_over = true;
  swapping.join();
  BOOST_TEST(leaked == 0);
  BOOST_TEST(opened >= 300);
  BOOST_TEST(refused >= 300);
}

BOOST_AUTO_TEST_CASE(a_replacement_takes_no_draft_that_another_has_laid_out) {
  for (const bool is_hard : {false, true}) {
    Place at;
    write(at.path, "old");
    is_hard ? fs::create_hard_link(at.secret, at.path + ".part")
            : fs::create_symlink(at.secret, at.path + ".part");
    base::Replacement replacement(at.files, at.path);
    at.files.write_all(replacement.fd(), "new", replacement.path());
    replacement.commit();
    BOOST_TEST(base::read_file(at.path) == "new");
    BOOST_TEST(base::read_file(at.secret) == "secret");
    BOOST_TEST(!fs::exists(fs::symlink_status(at.path + ".part")));
  }
}

BOOST_AUTO_TEST_CASE(a_replacement_replaces_no_link_and_takes_no_strangers_mode,
                     *boost::unit_test::precondition(kIsRoot)) {
  Place at;
  ::chmod(at.secret.c_str(), 0666);
  fs::create_symlink(at.secret, at.path);
  BOOST_CHECK_THROW(base::Replacement(at.files, at.path), RefusedError);
  BOOST_TEST(base::read_file(at.secret) == "secret");
  BOOST_TEST(!fs::exists(at.path + ".part"));
}
