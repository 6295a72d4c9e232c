// SPDX-License-Identifier: MIT
#include "tests/support/fcgi_wrapper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/files.h"
#include "base/text.h"
#include "log/time_rotating_log.h"
#include "tests/support/patience.h"

// There only with `make coverage`: writes what was reached, which _exit does not.
extern "C" [[gnu::weak]] void __gcov_dump();

namespace manhattan::test {
namespace {

/// The child's whole life. Never returns.
[[noreturn]] void serve(const std::string& folder, wrap::Listener listener,
                        const FcgiWrapper::Adjust& adjust) {
  base::SystemFiles files;
  const base::SystemClock clock;
  base::MessageLog messages("test", base::MessageLog::Level::warning, folder + "/messages");
  wrap::Server::Settings settings;
  Middleware::Settings instruments;
  instruments.path_prefix = folder + "/log";
  instruments.ring = "none";
  settings.make_log = [&] {
    return std::make_unique<TimeRotatingLog>(folder + "/log", files, clock);
  };
  if (adjust) adjust(settings, instruments);
  settings.load = [&] {
    return std::make_shared<const Middleware>(visitor::Signer::from_file(folder + "/secret"),
                                              instruments, messages);
  };
  int code = 1;
  try {
    std::vector<wrap::Listener> listeners;
    listeners.push_back(std::move(listener));
    wrap::Server(std::move(settings), messages).run(std::move(listeners));
    code = 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "server: %s\n", error.what());
  }
  if (__gcov_dump != nullptr) __gcov_dump();
  ::_exit(code);
}

}  // namespace

FcgiWrapper::FcgiWrapper(const Adjust& adjust) {
  std::string pattern = "/tmp/manhattan-wrap-XXXXXX";
  folder_ = ::mkdtemp(pattern.data());
  std::ofstream(path("secret")) << "a secret of the tests\n";
  ::chmod(path("secret").c_str(), 0600);
  auto listener = wrap::Listener::open(socket());
  pid_ = ::fork();
  if (pid_ == 0) serve(folder_, std::move(listener), adjust);
  listener.release_path();  // the child's to remove
}

FcgiWrapper::~FcgiWrapper() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string FcgiWrapper::program(const std::string& name, const std::string& text) const {
  const auto file = path(name);
  {
    std::ofstream out(file);
    out << text;
  }
  ::chmod(file.c_str(), 0755);
  return file;
}

std::string FcgiWrapper::shell(const std::string& name, const std::string& script) const {
  return program(name,
                 "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\n" + script + "\n");
}

FcgiParameters FcgiWrapper::get(const std::string& program, const FcgiParameters& more) {
  FcgiParameters parameters{{"REQUEST_METHOD", "GET"},    {"SCRIPT_FILENAME", program},
                            {"SCRIPT_NAME", "/program"},  {"REQUEST_URI", "/program?a=b"},
                            {"HTTP_HOST", "example.com"}, {"REMOTE_ADDR", "192.0.2.1"},
                            {"HTTP_USER_AGENT", "test"}};
  for (const auto& [name, value] : more) {
    const auto same = std::find_if(parameters.begin(), parameters.end(),
                                   [&, key = name](const auto& p) { return p.first == key; });
    if (same == parameters.end()) {
      parameters.emplace_back(name, value);
    } else {
      same->second = value;
    }
  }
  return parameters;
}

FcgiAnswer FcgiWrapper::ask(const FcgiParameters& parameters, std::string_view body) const {
  FcgiClient client(socket());
  client.begin();
  client.parameters(parameters);
  client.body(body);
  return client.answer();
}

std::vector<std::string> FcgiWrapper::records() const {
  std::vector<std::string> lines;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    if (!entry.path().filename().string().starts_with("log.")) continue;
    const auto text = contents_of(entry.path());
    for (const auto line : base::split(text, '\n')) {
      if (!line.empty()) lines.emplace_back(line);
    }
  }
  return lines;
}

std::string FcgiWrapper::messages() const { return contents_of(path("messages")); }

int FcgiWrapper::stop() {
  if (pid_ < 0) return -1;
  int status = 0;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string contents_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  try {
    return {std::istreambuf_iterator<char>(file), {}};
  } catch (const std::ios_base::failure&) {
    return {};  // a process that ended between the opening and the reading
  }
}

bool becomes_true(const std::function<bool()>& is_so) {
  const auto deadline = std::chrono::steady_clock::now() + tests::kPatience;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace manhattan::test
