// SPDX-License-Identifier: MIT
#include "visitor/visitor_id.h"

#include <pthread.h>
#include <sys/random.h>

#include <charconv>
#include <cstdint>
#include <cstring>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

namespace manhattan::visitor {
namespace {

constexpr std::size_t kIdBytes = 20;
constexpr unsigned kNewDays = 30;
// As many as the kernel gives without fail at a time, 256 bytes. A call costs up to 1.2 us.
constexpr std::size_t kIdsAtOnce = 12;

struct Stock {
  char bytes[kIdsAtOnce][kIdBytes];
  std::size_t ids_left = 0;
};
thread_local Stock stock;

void forget_stock() noexcept { stock.ids_left = 0; }

void fill_stock() {
  // The child of a fork has one thread, the one that runs this handler.
  static const int registered = ::pthread_atfork(nullptr, nullptr, forget_stock);
  // Not OpenSSL's generator, which is itself fed from here and takes ten times as long.
  if (::getrandom(stock.bytes, sizeof stock.bytes, 0) != ssize_t{sizeof stock.bytes}) {
    throw Error("the system has no randomness to give");
  }
  stock.ids_left = registered == 0 ? kIdsAtOnce : 1;
}

/// Days since 1970, in 16 bits: good for 179 years, then anew.
std::uint16_t day_of(UnixNanos at) noexcept {
  return static_cast<std::uint16_t>(
      std::chrono::floor<std::chrono::days>(at).time_since_epoch().count());
}

}  // namespace

std::string new_visitor_id() {
  if (stock.ids_left == 0) fill_stock();
  char* const id = stock.bytes[--stock.ids_left];
  // A machine that runs on twice from one snapshot has the same stock twice; its times differ.
  const auto now = base::SystemClock().now();
  std::uint64_t random = 0;
  std::memcpy(&random, id, sizeof random);
  random ^= static_cast<std::uint64_t>(now.time_since_epoch().count());
  std::memcpy(id, &random, sizeof random);
  const auto day = day_of(now);
  id[kIdBytes - 2] = static_cast<char>(day >> 8);
  id[kIdBytes - 1] = static_cast<char>(day);
  return base::to_hex({id, kIdBytes});
}

bool is_new(std::string_view id, UnixNanos now) noexcept {
  unsigned day = 0;
  if (id.size() != 2 * kIdBytes) return false;
  const auto read = std::from_chars(id.end() - 4, id.end(), day, 16);
  const auto age = static_cast<std::uint16_t>(day_of(now) - day);
  return read.ec == std::errc{} && read.ptr == id.end() && age < kNewDays;
}

}  // namespace manhattan::visitor
