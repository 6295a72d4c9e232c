// SPDX-License-Identifier: MIT
#include "visitor/manhattan.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "base/clock.h"
#include "base/files.h"
#include "log/ring_log.h"
#include "log/time_rotating_log.h"
#include "visitor/visitor.h"

struct manhattan_log {
  manhattan::base::SystemFiles files;
  manhattan::base::SystemClock clock;
  std::unique_ptr<manhattan::Log> log;
};

struct manhattan_visitor {
  manhattan::Visitor visitor;
};

namespace manhattan {
namespace {

std::string_view text_of(const char* text) noexcept { return text ? text : std::string_view{}; }

/// Calls `work`; `otherwise` where it throws: C knows no exceptions, and nothing of ours may end
/// the program.
template <class Work, class Result>
Result guarded(Work work, Result otherwise) noexcept {
  try {
    return work();
  } catch (const std::exception&) {
    return otherwise;
  }
}

manhattan_append to_c(Append append) noexcept {
  switch (append) {
    case Append::written:
      return manhattan_written;
    case Append::spilled:
      return manhattan_spilled;
    case Append::dropped:
      break;
  }
  return manhattan_dropped;
}

/// Lets `make` open the log of a new manhattan_log.
template <class Make>
manhattan_log* open_log(Make make) noexcept {
  return guarded(
      [&] {
        auto opened = std::make_unique<manhattan_log>();
        opened->log = make(*opened);
        return opened.release();
      },
      static_cast<manhattan_log*>(nullptr));
}

template <class Work>
manhattan_append record(manhattan_visitor* visitor, Work work) noexcept {
  if (!visitor) return manhattan_dropped;
  return guarded([&] { return to_c(work(visitor->visitor)); }, manhattan_dropped);
}

bool is_letter(char letter, const char* letters) noexcept {
  return letter == 0 || std::strchr(letters, letter);
}

std::size_t index_of(std::string_view name, const char* const* populations, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (name == populations[i]) return i;
  }
  return 0;
}

}  // namespace
}  // namespace manhattan

using manhattan::guarded;
using manhattan::record;
using manhattan::text_of;

manhattan_log* manhattan_ring_log(const char* ring, const char* prefix) {
  if (!ring) return nullptr;
  return manhattan::open_log([&](manhattan_log& log) {
    return std::make_unique<manhattan::RingLog>(ring, std::string(text_of(prefix)), log.files);
  });
}

manhattan_log* manhattan_text_log(const char* prefix) {
  if (!prefix) return nullptr;
  return manhattan::open_log([&](manhattan_log& log) {
    return std::make_unique<manhattan::TimeRotatingLog>(prefix, log.files, log.clock);
  });
}

manhattan_log* manhattan_environment_log() {
  const char* ring = std::getenv("MANHATTAN_RING");
  const char* prefix = std::getenv("MANHATTAN_PATH");
  if (!ring || std::strcmp(ring, "none") != 0) return manhattan_ring_log(ring, prefix);
  return prefix && *prefix ? manhattan_text_log(prefix) : nullptr;
}

void manhattan_log_close(manhattan_log* log) { delete log; }

manhattan_visitor* manhattan_visitor_new(const char* id, manhattan_log* log, int32_t site) {
  if (!id || !log) return nullptr;
  return guarded([&] { return new manhattan_visitor{manhattan::Visitor(id, *log->log, site)}; },
                 static_cast<manhattan_visitor*>(nullptr));
}

manhattan_visitor* manhattan_environment_visitor(manhattan_log* log) {
  const auto text = text_of(std::getenv("MANHATTAN_SITE"));
  std::int32_t site = 0;
  std::from_chars(text.data(), text.data() + text.size(), site);
  const char* id = std::getenv("MANHATTAN_VISITOR");
  if (!id || !log) return nullptr;
  using Buffering = manhattan::Visitor::Buffering;
  const bool is_prefetch = text_of(std::getenv("MANHATTAN_PREFETCH")) == "1";
  const auto buffering = is_prefetch ? Buffering::until_shown : Buffering::none;
  return guarded(
      [&] {
        auto visitor = std::unique_ptr<manhattan_visitor>(
            new manhattan_visitor{manhattan::Visitor(id, *log->log, site, buffering)});
        visitor->visitor.choose_for(std::string(text_of(std::getenv("MANHATTAN_ROBOT"))));
        return visitor.release();
      },
      static_cast<manhattan_visitor*>(nullptr));
}

void manhattan_visitor_free(manhattan_visitor* visitor) { delete visitor; }

manhattan_append manhattan_page(manhattan_visitor* visitor, const char* ip, const char* method,
                                const char* url, const char* user_agent, const char* referrer) {
  return record(visitor, [&](manhattan::Visitor& v) {
    return v.page({.ip = text_of(ip),
                   .method = text_of(method),
                   .url = text_of(url),
                   .user_agent = text_of(user_agent),
                   .referrer = text_of(referrer)});
  });
}

manhattan_append manhattan_pixel(manhattan_visitor* visitor) {
  return record(visitor, [](manhattan::Visitor& v) { return v.pixel(); });
}

manhattan_append manhattan_goal(manhattan_visitor* visitor, const char* name) {
  return manhattan_goal_value(visitor, name, nullptr, 0, 0);
}

manhattan_append manhattan_goal_value(manhattan_visitor* visitor, const char* name,
                                      const char* value, char type, char format) {
  const auto number = value ? manhattan::Decimal::parse(value) : std::nullopt;
  const bool is_goal = name && *name && (!value || number) && manhattan::is_letter(type, "RASI") &&
                       manhattan::is_letter(format, "NCP");
  if (!is_goal) return manhattan_refused;
  return record(visitor, [&](manhattan::Visitor& v) {
    return v.goal({.name = name,
                   .value = number,
                   .type = static_cast<manhattan::ValueType>(type),
                   .format = static_cast<manhattan::ValueFormat>(format)});
  });
}

size_t manhattan_split(manhattan_visitor* visitor, const char* name, const char* const* populations,
                       const double* weights, size_t count) {
  if (!visitor || !name || !populations || count == 0) return 0;
  return guarded(
      [&] {
        auto& v = visitor->visitor;
        if (!weights) {
          const std::vector<std::string> names(populations, populations + count);
          return manhattan::index_of(v.split(name, names), populations, count);
        }
        std::vector<manhattan::visitor::Weighted> weighted;
        for (size_t i = 0; i < count; ++i) weighted.push_back({populations[i], weights[i]});
        return manhattan::index_of(v.split(name, weighted), populations, count);
      },
      std::size_t{0});
}

manhattan_append manhattan_show(manhattan_visitor* visitor, const char* name,
                                const char* population) {
  if (!name || !*name || !population) return manhattan_refused;
  return record(visitor, [&](manhattan::Visitor& v) { return v.show(name, population); });
}
