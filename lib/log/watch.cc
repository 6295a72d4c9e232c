// SPDX-License-Identifier: MIT
#include "log/watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "base/error.h"

namespace manhattan::log {

Watch::Watch(const std::vector<std::string>& folders, At at)
    : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const auto changes = IN_CLOSE_WRITE | (at == At::write ? IN_MODIFY : 0);
  constexpr auto kComesAndGoes = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
  for (const auto& folder : folders) {
    if (!inotify_ || !wake_ ||
        ::inotify_add_watch(inotify_.get(), folder.c_str(), changes | kComesAndGoes | IN_ONLYDIR) <
            0) {
      throw IoError("watch", folder, last_error());
    }
  }
}

Watch::Changes Watch::wait(std::chrono::milliseconds most) {
  pollfd polled[] = {{inotify_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
  Changes changes;
  if (::poll(polled, 2, static_cast<int>(most.count())) <= 0) return changes;
  std::uint64_t wakes = 0;
  changes.is_woken = ::read(wake_.get(), &wakes, sizeof wakes) == sizeof wakes;
  read_events(changes);
  return changes;
}

void Watch::wake() noexcept {
  const std::uint64_t one = 1;
  // A full counter wakes just as well.
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

void Watch::read_events(Changes& changes) {
  alignas(inotify_event) char buffer[16384];
  ssize_t size = 0;
  while ((size = ::read(inotify_.get(), buffer, sizeof buffer)) > 0) {
    for (const char* next = buffer; next < buffer + size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(next);
      next += sizeof(inotify_event) + event->len;
      if ((event->mask & IN_Q_OVERFLOW) != 0) changes.is_complete = false;
      if (event->len == 0) continue;
      const std::string name = event->name;
      const auto known = std::find(changes.names.begin(), changes.names.end(), name);
      if (known == changes.names.end()) changes.names.push_back(name);
    }
  }
}

}  // namespace manhattan::log
