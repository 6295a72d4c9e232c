// SPDX-License-Identifier: MIT
#include "base/message_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <ctime>

#include "base/folder.h"

namespace manhattan::base {
namespace {

constexpr std::size_t kMostRemembered = 1000;
constexpr std::array<std::string_view, 4> kLevels = {"error: ", "warning: ", "", ""};

std::string time_stamp() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ ", &utc)};
}

/// One message is one line, whatever bytes a request put into it.
std::string one_line(std::string_view message) {
  std::string line(message);
  for (auto& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return line;
}

}  // namespace

MessageLog::MessageLog(std::string program, Level most, std::string path)
    : program_(std::move(program)), most_(most) {
  reopen(path);
}

void MessageLog::reopen() {
  const auto path = [this] {
    const std::lock_guard lock(mutex_);
    return path_;
  }();
  reopen(path);
}

void MessageLog::reopen(const std::string& path) {
  UniqueFd opened;
  if (!path.empty()) {
    opened = open_named(path, O_WRONLY | O_APPEND | O_CREAT, 0640);
  }
  const std::lock_guard lock(mutex_);
  path_ = path;
  file_ = std::move(opened);
}

void MessageLog::warning_once(const std::string& message) {
  {
    const std::lock_guard lock(mutex_);
    if (!told_once_.insert(message).second) return;
    if (told_once_.size() > kMostRemembered) told_once_.clear();
  }
  warning(message);
}

void MessageLog::write(Level level, std::string_view message) {
  if (!has_use_for(level)) return;
  auto line = program_ + ": ";
  line += kLevels[static_cast<std::size_t>(level)];
  line += one_line(message) + "\n";
  const std::lock_guard lock(mutex_);
  if (file_) line.insert(0, time_stamp());
  const int fd = file_ ? file_.get() : STDERR_FILENO;
  // There is nowhere to tell that telling failed.
  [[maybe_unused]] const auto written = ::write(fd, line.data(), line.size());
}

}  // namespace manhattan::base
