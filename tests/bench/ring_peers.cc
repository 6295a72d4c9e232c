// SPDX-License-Identifier: MIT
#include "tests/bench/ring_peers.h"

#include <pthread.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <boost/interprocess/ipc/message_queue.hpp>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/files.h"

namespace manhattan::bench {

double now_ns(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu) % std::thread::hardware_concurrency(), &set);
  ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

double cost(long calls, const std::function<void()>& body) {
  const auto before = now_ns(CLOCK_THREAD_CPUTIME_ID);
  for (long i = 0; i < calls; ++i) body();
  return (now_ns(CLOCK_THREAD_CPUTIME_ID) - before) / static_cast<double>(calls);
}

double mean_cost(int threads, const std::function<double(int)>& writer) {
  std::vector<double> costs(static_cast<std::size_t>(threads));
  std::barrier together(threads);
  std::vector<std::thread> running;
  for (int me = 0; me < threads; ++me) {
    running.emplace_back([&, me] {
      pin(me);
      together.arrive_and_wait();
      costs[static_cast<std::size_t>(me)] = writer(me);
    });
  }
  double sum = 0;
  for (auto& thread : running) thread.join();
  for (const auto each : costs) sum += each;
  return sum / threads;
}

double floor_cost(const std::string&, const std::string& line, long calls, int threads) {
  constexpr std::size_t kBytes = 64 << 20;
  std::vector<std::vector<char>> memory(static_cast<std::size_t>(threads),
                                        std::vector<char>(kBytes, 1));
  const auto size = (line.size() + 63) / 64 * 64 + 64;
  return mean_cost(threads, [&](int me) {
    const base::SystemClock clock;
    std::atomic<std::uint64_t> tail{0};
    auto* bytes = memory[static_cast<std::size_t>(me)].data();
    return cost(calls, [&] {
      const auto at = tail.fetch_add(size, std::memory_order_acq_rel) % (kBytes - 70000);
      const auto now = clock.now().time_since_epoch().count();
      __builtin_memcpy(bytes + at, &now, sizeof now);
      __builtin_memcpy(bytes + at + 8, line.data(), line.size());
    });
  });
}

double flock_cost(const std::string& folder, const std::string& line, long calls, int threads) {
  return mean_cost(threads, [&](int) {
    base::SystemFiles files;
    const base::SystemClock clock;
    const auto fd = files.open_append(folder + "/flock", 0600);
    return cost(calls, [&] {
      (void)clock.now();
      ::flock(fd.get(), LOCK_EX);
      files.write_all(fd.get(), line, "flock");
      ::flock(fd.get(), LOCK_UN);
    });
  });
}

double queue_cost(const std::string&, const std::string& line, long calls, int threads) {
  namespace interprocess = boost::interprocess;
  const auto name = "manhattan-bench." + std::to_string(::getpid());
  interprocess::message_queue::remove(name.c_str());
  interprocess::message_queue queue(interprocess::create_only, name.c_str(),
                                    static_cast<std::size_t>(calls * threads), line.size());
  const base::SystemClock clock;
  const auto ns = mean_cost(threads, [&](int) {
    return cost(calls, [&] {
      (void)clock.now();
      queue.send(line.data(), line.size(), 0);
    });
  });
  interprocess::message_queue::remove(name.c_str());
  return ns;
}

double datagram_cost(const std::string&, const std::string& line, long calls, int threads) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0) return 0;
  std::thread reading([&] {
    char buffer[4096];
    for (long left = calls * threads; left > 0; --left) {
      if (::recv(ends[1], buffer, sizeof buffer, 0) < 0) return;
    }
  });
  const base::SystemClock clock;
  const auto ns = mean_cost(threads, [&](int) {
    return cost(calls, [&] {
      (void)clock.now();
      (void)!::send(ends[0], line.data(), line.size(), 0);
    });
  });
  reading.join();
  ::close(ends[0]);
  ::close(ends[1]);
  return ns;
}

}  // namespace manhattan::bench
