// SPDX-License-Identifier: MIT
#include "visitor/visitor_id.h"

#include <pthread.h>
#include <sys/random.h>

#include <cstdint>
#include <cstring>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

namespace manhattan::visitor {
namespace {

constexpr std::size_t kIdBytes = 20;
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

}  // namespace

std::string new_visitor_id() {
  if (stock.ids_left == 0) fill_stock();
  char* const id = stock.bytes[--stock.ids_left];
  // A machine that runs on twice from one snapshot has the same stock twice; its times differ.
  std::uint64_t random = 0;
  std::memcpy(&random, id, sizeof random);
  random ^= static_cast<std::uint64_t>(base::SystemClock().now().time_since_epoch().count());
  std::memcpy(id, &random, sizeof random);
  return base::to_hex({id, kIdBytes});
}

}  // namespace manhattan::visitor
