// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE wrap
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <fstream>
#include <future>

#include "tests/support/fcgi_wrapper.h"
#include "wrap/child.h"

using namespace manhattan;
using namespace manhattan::test;

namespace {

// Less than the answer of 100 MB; sanitizers keep what was freed for a while, up to 256 MB of it.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr long kMostPeakKb = 384 * 1024;
#else
constexpr long kMostPeakKb = 64 * 1024;
#endif

FcgiParameters post(const std::string& program, const std::string& length) {
  return FcgiWrapper::get(program, {{"REQUEST_METHOD", "POST"}, {"CONTENT_LENGTH", length}});
}

std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  unsigned state = 1;
  for (auto& byte : bytes) byte = static_cast<char>((state = state * 1103515245 + 12345) >> 16);
  return bytes;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

// ---- Bodies

BOOST_AUTO_TEST_CASE(a_body_of_any_size_arrives_byte_for_byte) {
  FcgiWrapper wrapper;
  const auto cat = wrapper.shell("cat", "cat");
  for (const std::size_t size : {1, 4095, 4096, 4097, 65'535, 65'536, 65'537, 3'000'000}) {
    const auto body = noise(size);
    const auto answer = wrapper.ask(post(cat, std::to_string(size)), body);
    BOOST_TEST(answer.is_ended);
    BOOST_REQUIRE(answer.body() == body);
  }
}

BOOST_AUTO_TEST_CASE(a_body_without_a_length_gets_one) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("program", "echo $CONTENT_LENGTH; wc -c");
  BOOST_TEST(wrapper.ask(post(program, ""), noise(70'000)).body() == "70000\n70000\n");
}

BOOST_AUTO_TEST_CASE(an_empty_body_ends_at_once) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("program", "echo \"<$CONTENT_LENGTH>\"; wc -c");
  BOOST_TEST(wrapper.ask(post(program, "0")).body() == "<0>\n0\n");
  BOOST_TEST(wrapper.ask(post(program, "")).body() == "<>\n0\n");
}

BOOST_AUTO_TEST_CASE(a_body_that_is_never_read_harms_nobody) {
  FcgiWrapper wrapper;
  const auto body = noise(8'000'000);
  const auto length = std::to_string(body.size());
  BOOST_TEST(wrapper.ask(post(wrapper.shell("a", "echo done"), length), body).body() == "done\n");
  BOOST_TEST(wrapper.ask(post(wrapper.shell("b", "exec <&-; echo done"), length), body).body() ==
             "done\n");
}

BOOST_AUTO_TEST_CASE(output_before_the_body_is_read_stops_nothing) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("program", "head -c 1000000 /dev/zero; wc -c");
  const auto answer = wrapper.ask(post(program, "8000000"), noise(8'000'000));
  BOOST_TEST(answer.is_ended);
  BOOST_TEST(answer.body().size() == 1'000'008U);
}

BOOST_AUTO_TEST_CASE(a_body_shorter_than_declared_runs_nothing) {
  FcgiWrapper wrapper;
  const auto program = wrapper.shell("program", "touch ran");
  BOOST_TEST(wrapper.ask(post(program, "10"), "short").status() == 400);
  BOOST_TEST(::access(wrapper.path("ran").c_str(), F_OK) != 0);
  BOOST_TEST(wrapper.records().empty());
}

BOOST_AUTO_TEST_CASE(a_body_that_finds_no_room_is_503) {
  FcgiWrapper wrapper([](auto&, auto&) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1'000'000, 1'000'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  });
  const auto program = wrapper.program("program", "#!/bin/sh\ntouch ran\n");
  const auto answer = wrapper.ask(post(program, "8000000"), noise(8'000'000));
  BOOST_TEST(answer.status() == 503);
  BOOST_TEST(answer.is_ended);
  BOOST_TEST(::access(wrapper.path("ran").c_str(), F_OK) != 0);
}

// ---- Answers

BOOST_AUTO_TEST_CASE(closing_the_output_ends_the_answer) {
  FcgiWrapper wrapper;
  BOOST_TEST(wrapper.run("echo a; exec >&-; exec sleep 1000").body() == "a\n");
  BOOST_TEST(wrapper.run("echo b; sleep 1000 >&- & exit 0").body() == "b\n");
}

BOOST_AUTO_TEST_CASE(a_daemon_that_holds_the_output_does_not_hold_the_answer) {
  FcgiWrapper wrapper;
  const auto answer = wrapper.run("echo a; sleep 1000 & echo $! >daemon; exit 0");
  BOOST_TEST(answer.is_ended);
  BOOST_TEST(answer.body() == "a\n");
  const int daemon = std::stoi(contents_of(wrapper.path("daemon")));
  BOOST_TEST(::kill(daemon, SIGKILL) == 0);  // it lives: its request ended well
}

BOOST_AUTO_TEST_CASE(a_program_killed_before_its_header_is_502) {
  FcgiWrapper wrapper;
  const auto answer = wrapper.ask(wrapper.get(wrapper.program("p", "#!/bin/sh\nkill -SEGV $$\n")));
  BOOST_TEST(answer.status() == 502);
  BOOST_TEST(has(wrapper.messages(), "SIGSEGV"));
}

BOOST_AUTO_TEST_CASE(a_program_killed_in_its_body_leaves_it_incomplete) {
  FcgiWrapper wrapper;
  const auto answer = wrapper.run("echo begun; kill -9 $$");
  BOOST_TEST(answer.body() == "begun\n");
  BOOST_TEST(!answer.is_ended);
  BOOST_TEST(answer.is_closed);
}

BOOST_AUTO_TEST_CASE(a_program_that_crashes_after_its_answer_has_answered) {
  FcgiWrapper wrapper;
  for (const char* signal : {"SEGV", "ABRT", "BUS", "PIPE", "USR1"}) {
    const auto answer = wrapper.run(std::string("ulimit -c 0; echo all; kill -") + signal + " $$");
    BOOST_TEST(answer.body() == "all\n");
    BOOST_TEST(answer.is_ended);
    BOOST_TEST(has(wrapper.messages(), std::string("(SIG") + signal + ")"));
  }
}

BOOST_AUTO_TEST_CASE(an_answer_that_reached_its_length_is_whole_whatever_happens) {
  FcgiWrapper wrapper(
      [](auto& settings, auto&) { settings.silence_limit = std::chrono::seconds(1); });
  for (const char* end : {"kill -KILL $$", "exec sleep 1000", "exit 1"}) {
    const auto answer = wrapper.ask(wrapper.get(wrapper.program(
        "p", std::string("#!/bin/sh\nprintf 'Content-Length: 3\\n\\nall'; ") + end + "\n")));
    BOOST_TEST(answer.body() == "all");
    BOOST_TEST(answer.is_ended);
  }
  const auto head =
      wrapper.ask(wrapper.get(wrapper.shell("p", "kill -KILL $$"), {{"REQUEST_METHOD", "HEAD"}}));
  BOOST_TEST(head.is_ended);
}

BOOST_AUTO_TEST_CASE(apache_gets_a_proper_end_of_an_answer_shorter_than_its_length) {
  FcgiWrapper wrapper;
  const auto program = wrapper.program("p", "#!/bin/sh\nprintf 'Content-Length: 8\\n\\n12345'\n");
  BOOST_TEST(!wrapper.ask(wrapper.get(program, {{"SERVER_SOFTWARE", "nginx/1.22"}})).is_ended);
  BOOST_TEST(wrapper.ask(wrapper.get(program, {{"SERVER_SOFTWARE", "Apache/2.4"}})).is_ended);
}

BOOST_AUTO_TEST_CASE(an_exit_code_is_logged_and_the_answer_stands) {
  FcgiWrapper wrapper;
  const auto answer = wrapper.run("echo a; exit 3");
  BOOST_TEST(answer.status() == 200);
  BOOST_TEST(answer.is_ended);
  BOOST_TEST(has(wrapper.messages(), "exit code 3"));
}

BOOST_AUTO_TEST_CASE(output_without_a_whole_header_is_502) {
  FcgiWrapper wrapper;
  BOOST_TEST(wrapper.ask(wrapper.get(wrapper.program("a", "#!/bin/sh\n"))).status() == 502);
  const auto partial = wrapper.program("b", "#!/bin/sh\necho Content-Type: text/plain\n");
  BOOST_TEST(wrapper.ask(wrapper.get(partial)).status() == 502);
  const auto none = wrapper.program("c", "#!/bin/sh\necho hello\necho\n");
  BOOST_TEST(wrapper.ask(wrapper.get(none)).status() == 502);
  BOOST_TEST(wrapper.run("").status() == 200);
}

BOOST_AUTO_TEST_CASE(an_answer_is_passed_on_while_it_is_written) {
  FcgiWrapper wrapper;
  BOOST_REQUIRE(::mkfifo(wrapper.path("go").c_str(), 0600) == 0);
  FcgiClient client(wrapper.socket());
  client.begin();
  client.parameters(wrapper.get(wrapper.shell("p", "echo first; read x <go; echo second")));
  client.body("");
  BOOST_TEST(has(client.answer_until("first").out, "first"));
  std::ofstream(wrapper.path("go")) << "\n";
  const auto rest = client.answer();
  BOOST_TEST(rest.out == "second\n");
  BOOST_TEST(rest.is_ended);
}

namespace {

struct StepCase {
  const char* says;
  const char* server;
  const char* head;
  const char* first;  ///< what the program runs before it waits, and after
  const char* second;
  const char* buffering;  ///< X-Accel-Buffering that the server gets
  const char* seen;       ///< while the program waits
};
std::ostream& operator<<(std::ostream& out, const StepCase& c) { return out << c.says; }

const char* const kNginx = "nginx/1.22.1";
const char* const kPlain = "Content-Type: text/plain\\n";
const char* const kEvents = "Content-Type: text/event-stream; charset=utf-8\\n";
const StepCase kSteps[] = {
    {"a stream asks nginx not to buffer", kNginx, kPlain, "echo one", "echo two", "no", "one"},
    {"other servers are not asked", "lighttpd/1.4", kPlain, "echo one", "echo two", "", "one"},
    {"events ask before the first comes", kNginx, kEvents, ":", "echo two", "no", "\r\n\r\n"},
    {"much at once is no stream", kNginx, kPlain, "head -c 50000 /dev/zero; echo one", "echo two",
     "", "one"},
    {"nor is a head alone", kNginx, kPlain, ":", "head -c 50000 /dev/zero; echo two", "", ""},
    {"a program's own word stands", kNginx, "x-accel-buffering: yes\\n", "echo one", "echo two",
     "yes", "one"},
};

}  // namespace

BOOST_DATA_TEST_CASE(an_answer_in_steps, boost::unit_test::data::make(kSteps), c) {
  FcgiWrapper wrapper;
  BOOST_REQUIRE(::mkfifo(wrapper.path("go").c_str(), 0600) == 0);
  const auto program = wrapper.program("p", std::string("#!/bin/sh\nprintf '") + c.head + "\\n'\n" +
                                                c.first + "\nread x <go\n" + c.second + "\n");
  FcgiClient client(wrapper.socket());
  client.begin();
  client.parameters(wrapper.get(program, {{"SERVER_SOFTWARE", c.server}}));
  client.body("");
  FcgiAnswer answer;
  if (*c.seen != '\0') answer = client.answer_until(c.seen);
  BOOST_TEST(has(answer.out, c.seen));
  std::ofstream(wrapper.path("go")) << "\n";
  const auto rest = client.answer();
  BOOST_TEST(rest.is_ended);
  answer.out += rest.out;
  BOOST_TEST(answer.out.ends_with("two\n"));
  BOOST_TEST(answer.header("X-Accel-Buffering") == c.buffering);
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_soon_over_does_not_ask_how_it_is_handed_on) {
  FcgiWrapper wrapper;
  const auto answer =
      wrapper.ask(wrapper.get(wrapper.shell("p", "echo all"), {{"SERVER_SOFTWARE", kNginx}}));
  BOOST_TEST(answer.body() == "all\n");
  BOOST_TEST(answer.header("X-Accel-Buffering") == "");
}

BOOST_AUTO_TEST_CASE(a_length_that_is_not_the_bodys_is_seen_to) {
  FcgiWrapper wrapper;
  const auto length = [&](const char* value) {
    return wrapper.ask(wrapper.get(wrapper.program(
        "p", std::string("#!/bin/sh\nprintf 'Content-Length: ") + value + "\\n\\n12345'\n")));
  };
  BOOST_TEST(length("3").body() == "123");
  BOOST_TEST(length("3").is_ended);
  BOOST_TEST(!length("8").is_ended);
  BOOST_TEST(length("5").header("Content-Length") == "5");
  BOOST_TEST(length("five").header("Content-Length") == "");
}

BOOST_AUTO_TEST_CASE(head_and_304_have_no_body) {
  FcgiWrapper wrapper;
  const auto head = wrapper.get(wrapper.shell("p", "echo a"), {{"REQUEST_METHOD", "HEAD"}});
  BOOST_TEST(wrapper.ask(head).body() == "");
  const auto program = wrapper.program("q", "#!/bin/sh\nprintf 'Status: 304\\n\\nbody'\n");
  BOOST_TEST(wrapper.ask(wrapper.get(program)).body() == "");
}

BOOST_AUTO_TEST_CASE(a_large_answer_takes_little_memory) {
  FcgiWrapper wrapper;
  const auto answer = wrapper.run("head -c 100000000 /dev/zero");
  BOOST_TEST(answer.body().size() == 100'000'000U);
  const auto status = contents_of("/proc/" + std::to_string(wrapper.pid()) + "/status");
  const auto peak_kb = std::stol(status.substr(status.find("VmHWM:") + 6));
  BOOST_TEST(peak_kb < kMostPeakKb);
}

BOOST_AUTO_TEST_CASE(standard_error_is_logged_by_line_and_bounded) {
  FcgiWrapper wrapper;
  const auto answer =
      wrapper.run("echo >&2; echo 'a \033 line' >&2; yes 1234567 | head -c 10000000 >&2; echo ok");
  BOOST_TEST(answer.body() == "ok\n");
  BOOST_TEST(has(wrapper.messages(), "program: a ? line\n"));
  BOOST_TEST(becomes_true([&] { return has(wrapper.messages(), "more bytes on standard error"); }));
  BOOST_TEST(wrapper.messages().size() < 4'000'000U);
}

// ---- Ends

BOOST_AUTO_TEST_CASE(silence_before_the_header_is_504) {
  FcgiWrapper wrapper(
      [](auto& settings, auto&) { settings.silence_limit = std::chrono::seconds(1); });
  const auto program = wrapper.program("p", "#!/bin/sh\nexec sleep 1000\n");
  BOOST_TEST(wrapper.ask(wrapper.get(program)).status() == 504);
}

BOOST_AUTO_TEST_CASE(silence_in_the_body_leaves_it_incomplete) {
  FcgiWrapper wrapper(
      [](auto& settings, auto&) { settings.silence_limit = std::chrono::seconds(1); });
  const auto answer = wrapper.run("echo a; exec sleep 1000");
  BOOST_TEST(answer.body() == "a\n");
  BOOST_TEST(!answer.is_ended);
}

BOOST_AUTO_TEST_CASE(what_a_program_says_after_its_answer_is_logged_as_well) {
  FcgiWrapper wrapper;
  BOOST_REQUIRE(::mkfifo(wrapper.path("go").c_str(), 0600) == 0);
  BOOST_TEST(wrapper.run("echo a; exec >&-; read x <go; echo late >&2").body() == "a\n");
  std::ofstream(wrapper.path("go")) << "\n";
  BOOST_TEST(becomes_true([&] { return has(wrapper.messages(), "program: late\n"); }));
}

namespace {

/// A program that has answered, and then holds `held` open until somebody writes to `go`.
struct GoingOn {
  explicit GoingOn(const std::string& first) {
    for (const char* name : {"held", "go"}) {
      BOOST_REQUIRE(::mkfifo(wrapper.path(name).c_str(), 0600) == 0);
    }
    held.reset(::open(wrapper.path("held").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    const auto answer = wrapper.run(first + "exec 3>held; echo a; exec >&- 2>&-; read x <go");
    BOOST_TEST(answer.body() == "a\n");
    BOOST_TEST(!has_ended(0));
  }
  bool has_ended(int within_ms) const {
    pollfd end{held.get(), POLLIN, 0};
    return ::poll(&end, 1, within_ms) == 1;
  }

  FcgiWrapper wrapper;
  base::UniqueFd held;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_program_that_goes_on_after_its_answer_is_told_when_the_wrapper_ends) {
  GoingOn program("");
  BOOST_TEST(program.wrapper.stop() == 0);
  BOOST_TEST(program.has_ended(20'000));
}

BOOST_AUTO_TEST_CASE(a_program_that_does_not_care_is_not_waited_for) {
  GoingOn program("trap '' TERM; ");
  BOOST_TEST(program.wrapper.stop() == 0);
  BOOST_TEST(!program.has_ended(0));
  std::ofstream(program.wrapper.path("go")) << "\n";
  BOOST_TEST(program.has_ended(20'000));
}

BOOST_AUTO_TEST_CASE(a_process_on_its_way_out_is_told_from_one_that_lives) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::pause();
    ::_exit(1);
  }
  wrap::Child child(pid, base::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))));
  BOOST_TEST(!child.is_exiting());
  ::kill(pid, SIGKILL);
  pollfd end{child.pidfd(), POLLIN, 0};
  BOOST_TEST(::poll(&end, 1, 20'000) == 1);
  BOOST_TEST(child.is_exiting());
  BOOST_TEST(child.wait().signal == SIGKILL);
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_for_long_costs_no_answer) {
  FcgiWrapper wrapper(
      [](auto& settings, auto&) { settings.silence_limit = std::chrono::seconds(2); });
  // Byte by byte it fills what the socket holds, and then goes on for longer than silence may last.
  const auto program = wrapper.program(
      "p",
      "#!/usr/bin/perl\n$| = 1; print \"Content-Type: text/plain\\n\\n\";\n"
      "sub say_bytes { for (1 .. $_[0]) { print 'x'; select undef, undef, undef, $_[1]; } }\n"
      "say_bytes 600, 0.001; say_bytes 40, 0.1; open F, '>', 'said';\n");
  FcgiClient client(wrapper.socket());
  client.begin();
  client.parameters(wrapper.get(program));
  client.body("");
  BOOST_REQUIRE(becomes_true([&] { return ::access(wrapper.path("said").c_str(), F_OK) == 0; }));
  const auto answer = client.answer();
  BOOST_TEST(answer.is_ended);
  BOOST_TEST(answer.body().size() == 640U);
}

namespace {

/// A program with a child and a grandchild that ignore SIGTERM; their numbers in a file.
const char* const kTree =
    "trap '' TERM\n(trap '' TERM; sh -c 'echo $$ >>pids; sleep 1000' & wait) &\n"
    "echo $$ >>pids; echo begun; sleep 1000; sleep 1000";

bool all_have_ended(const std::string& pids) {
  std::istringstream numbers(pids);
  for (int pid = 0; numbers >> pid;) {
    const auto stat = contents_of("/proc/" + std::to_string(pid) + "/stat");
    if (!stat.empty() && !has(stat, ") Z ")) return false;
  }
  return true;
}

void expect_tree_to_end(const FcgiWrapper& wrapper, FcgiClient& client,
                        const std::function<void()>& give_up) {
  client.begin();
  client.parameters(wrapper.get(wrapper.shell("tree", kTree)));
  client.body("");
  client.answer_until("begun");
  const auto pids = [&] { return contents_of(wrapper.path("pids")); };
  BOOST_REQUIRE(becomes_true([&] { return std::ranges::count(pids(), '\n') == 2; }));
  BOOST_TEST(!all_have_ended(pids()));
  give_up();
  BOOST_TEST(becomes_true([&] { return all_have_ended(pids()); }));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_client_that_goes_ends_the_whole_tree) {
  FcgiWrapper wrapper;
  FcgiClient client(wrapper.socket());
  expect_tree_to_end(wrapper, client, [&] { client.close(); });
}

BOOST_AUTO_TEST_CASE(an_abort_request_does_so_too) {
  FcgiWrapper wrapper;
  FcgiClient client(wrapper.socket());
  expect_tree_to_end(wrapper, client, [&] { client.record(2, "", 1); });
}

namespace {

/// A program that does something: it waits for `go`, answers with more than a socket holds, and
/// writes `done` at its end. It has begun once this is made, and its client has left.
struct Doing {
  Doing(const std::string& method, const std::function<void(FcgiClient&)>& leave,
        const FcgiWrapper::Adjust& adjust = {})
      : wrapper(adjust) {
    for (const char* name : {"begun", "go"}) {
      BOOST_REQUIRE(::mkfifo(wrapper.path(name).c_str(), 0600) == 0);
    }
    go_.reset(::open(wrapper.path("go").c_str(), O_RDWR | O_CLOEXEC));
    const auto program =
        wrapper.program("p",
                        "#!/bin/sh\necho >begun; read x <go\nprintf 'Manhattan-Goal: Done\\n\\n'; "
                        "head -c 1000000 /dev/zero; echo >done\n");
    client = std::make_unique<FcgiClient>(wrapper.socket());
    client->begin();
    client->parameters(wrapper.get(program, {{"REQUEST_METHOD", method}}));
    client->body("");
    std::ifstream(wrapper.path("begun")).get();
    leave(*client);
  }
  void go() const { BOOST_TEST(::write(go_.get(), "\n", 1) == 1); }
  bool is_done() const {
    return becomes_true([&] { return ::access(wrapper.path("done").c_str(), F_OK) == 0; });
  }
  bool has_goal() const {
    return becomes_true([&] {
      return std::ranges::any_of(wrapper.records(), [](auto& line) { return has(line, "Done"); });
    });
  }

  FcgiWrapper wrapper;
  std::unique_ptr<FcgiClient> client;
  base::UniqueFd go_;  ///< both ends, so that no open waits for a program that was killed
};

void hang_up(FcgiClient& client) { client.close(); }
void take_back(FcgiClient& client) { client.record(2, "", 1); }

}  // namespace

BOOST_AUTO_TEST_CASE(what_a_request_does_is_done_though_its_client_leaves) {
  for (const char* method : {"POST", "PUT", "DELETE"}) {
    for (const auto leave : {hang_up, take_back}) {
      Doing program(method, leave);
      program.go();
      BOOST_TEST(program.is_done());
      BOOST_TEST(becomes_true([&] {
        return has(program.wrapper.messages(), std::string(method) +
                                                   " /program?a=b: " + program.wrapper.path("p") +
                                                   ": its client left; it ran to its end");
      }));
      if (method == std::string("POST")) BOOST_TEST(program.has_goal());
    }
  }
}

BOOST_AUTO_TEST_CASE(it_is_done_though_the_wrapper_is_told_to_end) {
  Doing program("POST", hang_up);
  ::kill(program.wrapper.pid(), SIGTERM);
  BOOST_REQUIRE(
      becomes_true([&] { return ::access(program.wrapper.socket().c_str(), F_OK) != 0; }));
  program.go();
  BOOST_TEST(program.is_done());
  BOOST_TEST(program.wrapper.stop() == 0);
  BOOST_TEST(program.has_goal());
}

BOOST_AUTO_TEST_CASE(it_is_not_waited_for_beyond_the_time_limits) {
  const auto adjust = [](auto& settings, auto&) {
    settings.silence_limit = std::chrono::seconds(1);
  };
  Doing silent("POST", hang_up, adjust);
  BOOST_TEST(becomes_true([&] { return has(silent.wrapper.messages(), "no answer in time"); }));
  FcgiWrapper wrapper(adjust);
  FcgiClient client(wrapper.socket());
  client.begin();
  client.parameters(
      wrapper.get(wrapper.shell("endless", "exec cat /dev/zero"), {{"REQUEST_METHOD", "POST"}}));
  client.body("");
  client.answer_until(std::string_view("\0", 1));
  client.close();
  BOOST_TEST(becomes_true([&] {
    return has(wrapper.messages(), "endless: its client left, and it went on for too long");
  }));
}

// ---- Limits

constexpr const char* kTrickle =
    "#!/usr/bin/perl\n$| = 1; for (;;) { print $ARGV[0] // 'x'; select undef, undef, undef, 0.02; "
    "}\n";

std::string trickling(const FcgiWrapper& wrapper, const std::string& first) {
  wrapper.program("trickle", kTrickle);
  return first.starts_with("#!") ? wrapper.program("program", first)
                                 : wrapper.shell("program", first);
}

void limit_time(wrap::Server::Settings& settings) { settings.time_limit = std::chrono::seconds(1); }

BOOST_AUTO_TEST_CASE(a_program_that_writes_for_ever_is_ended_at_the_time_limit) {
  struct Case {
    const char* says;
    const char* program;
    int status;
  };
  const Case cases[] = {
      {"a little now and then", "echo; exec ./trickle", 200},
      {"as fast as it can", "echo; exec cat /dev/zero", 200},
      {"never a whole header", "#!/bin/sh\nexec ./trickle X-A\n", 504},
      {"by a child that outlives it", "echo; ./trickle & exit 0", 200},
      {"to its standard error alone", "#!/bin/sh\n./trickle >&2\necho late\n", 504},
  };
  for (const auto& c : cases) {
    BOOST_TEST_CONTEXT(c.says) {
      FcgiWrapper wrapper([](auto& settings, auto&) { limit_time(settings); });
      const auto answer = wrapper.ask(wrapper.get(trickling(wrapper, c.program)));
      if (c.status == 504) {
        BOOST_TEST(answer.status() == 504);
      } else {
        BOOST_TEST(!answer.is_ended);
        BOOST_TEST(has(wrapper.messages(), "not over within the time limit, cut off"));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(programs_that_trickle_for_ever_leave_room_for_a_good_one) {
  FcgiWrapper wrapper([](auto& settings, auto&) {
    limit_time(settings);
    settings.jobs = 4;
  });
  const auto endless = wrapper.get(trickling(wrapper, "echo; exec ./trickle"));
  std::atomic<int> begun = 0;
  std::vector<std::future<void>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::async(std::launch::async, [&] {
      FcgiClient client(wrapper.socket());
      client.begin();
      client.parameters(endless);
      client.body("");
      client.answer_until("x");
      ++begun;
      client.answer();
    }));
  }
  BOOST_REQUIRE(becomes_true([&] { return begun >= 4; }));
  const auto good = wrapper.shell("good", "echo good");
  BOOST_TEST(wrapper.ask(wrapper.get(good)).body() == "good\n");
  for (auto& client : clients) client.get();
}

BOOST_AUTO_TEST_CASE(an_upstream_that_writes_for_ever_is_left_at_the_time_limit) {
  const FcgiWrapper upstream;
  FcgiWrapper wrapper([&](auto& settings, auto&) {
    limit_time(settings);
    settings.upstream = upstream.socket();
  });
  const auto answer = wrapper.ask(wrapper.get(trickling(upstream, "echo; exec ./trickle")));
  BOOST_TEST(!answer.is_ended);
  BOOST_TEST(has(wrapper.messages(), "not over within the time limit, cut off"));
}

BOOST_AUTO_TEST_CASE(programs_have_the_limits_that_they_are_given) {
  FcgiWrapper limited([](auto& settings, auto&) {
    settings.memory_bytes = 256 << 20;
    settings.processes = 1234;
  });
  BOOST_TEST(limited.run("bash -c 'ulimit -v; ulimit -Hv; ulimit -u'").body() ==
             "262144\n262144\n1234\n");
  BOOST_TEST(limited.run("perl -e '$x = \"x\" x 1e9; print length $x' 2>&1 || echo refused")
                 .body()
                 .ends_with("refused\n"));
  FcgiWrapper free;
  BOOST_TEST(free.run("bash -c 'ulimit -v'").body() == free.run("bash -c 'ulimit -Hv'").body());
}

BOOST_AUTO_TEST_CASE(hung_programs_leave_room_for_a_good_one) {
  FcgiWrapper wrapper([](auto& settings, auto&) { settings.jobs = 7; });
  const auto hung = wrapper.get(wrapper.shell("hung", "echo hung; exec sleep 1000"));
  std::vector<std::unique_ptr<FcgiClient>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<FcgiClient>(wrapper.socket()));
    clients.back()->begin();
    clients.back()->parameters(hung);
    clients.back()->body("");
    clients.back()->answer_until("hung");
  }
  BOOST_TEST(wrapper.run("echo good").body() == "good\n");
}

BOOST_AUTO_TEST_CASE(sigterm_finishes_what_runs) {
  FcgiWrapper wrapper;
  BOOST_REQUIRE(::mkfifo(wrapper.path("go").c_str(), 0600) == 0);
  FcgiClient client(wrapper.socket());
  client.begin(FcgiClient::Connection::keep);
  client.parameters(wrapper.get(wrapper.shell("p", "echo a; read x <go; echo b")));
  client.body("");
  client.answer_until("a\n");
  ::kill(wrapper.pid(), SIGTERM);
  BOOST_REQUIRE(becomes_true([&] { return ::access(wrapper.socket().c_str(), F_OK) != 0; }));
  std::ofstream(wrapper.path("go")) << "\n";
  const auto rest = client.answer();
  BOOST_TEST(rest.out == "b\n");
  BOOST_TEST(rest.is_ended);
  BOOST_TEST(wrapper.stop() == 0);
}

/// Is told to stop while a program runs that waits for go(): what else there is to do by then is
/// done while it does.
struct Stopping {
  Stopping() : slow(wrapper.socket()) {
    BOOST_REQUIRE(::mkfifo(wrapper.path("go").c_str(), 0600) == 0);
    ask(slow, wrapper.get(wrapper.shell("slow", "echo a; read x <go")));
    slow.answer_until("a\n");
    quick = wrapper.get(wrapper.shell("quick", "echo quick"));
  }
  static void ask(FcgiClient& client, const FcgiParameters& parameters) {
    client.begin(FcgiClient::Connection::keep);
    client.parameters(parameters);
    client.body("");
  }
  void stop() {
    ::kill(wrapper.pid(), SIGTERM);
    BOOST_REQUIRE(becomes_true([&] { return ::access(wrapper.socket().c_str(), F_OK) != 0; }));
  }
  ~Stopping() {
    std::ofstream(wrapper.path("go")) << "\n";
    BOOST_TEST(wrapper.stop() == 0);
  }

  FcgiWrapper wrapper;
  FcgiClient slow;
  FcgiParameters quick;
};

BOOST_AUTO_TEST_CASE(sigterm_waits_for_the_request_of_a_new_connection) {
  Stopping now;
  FcgiClient client(now.wrapper.socket());
  now.stop();
  Stopping::ask(client, now.quick);
  const auto answer = client.answer();
  BOOST_TEST(answer.body() == "quick\n");
  BOOST_TEST(answer.is_ended);
}

BOOST_AUTO_TEST_CASE(sigterm_answers_what_came_half_before) {
  Stopping now;
  FcgiClient client(now.wrapper.socket());
  Stopping::ask(client, now.quick);
  BOOST_TEST(client.answer().body() == "quick\n");
  client.begin(FcgiClient::Connection::keep);
  now.stop();
  client.parameters(now.quick);
  client.body("");
  BOOST_TEST(client.answer().body() == "quick\n");
}

BOOST_AUTO_TEST_CASE(sigterm_closes_a_kept_connection_without_a_request) {
  Stopping now;
  FcgiClient client(now.wrapper.socket());
  Stopping::ask(client, now.quick);
  BOOST_TEST(client.answer().body() == "quick\n");
  now.stop();
  BOOST_TEST(client.answer().is_closed);
}
