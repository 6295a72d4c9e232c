// SPDX-License-Identifier: MIT
#include "log/journal.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/mappable.h"

namespace manhattan::log {
namespace {

namespace interprocess = boost::interprocess;

constexpr std::uint64_t kJournalMagic = 0x314c4e524a48544d;  // "MTHJRNL1": version 1
constexpr std::size_t kJournalBytes = 8192;

/// The process that has locked the file, as far as it can be told: `process 123
/// (manhattan-server)`.
std::string holder_of(int fd) {
  struct stat status {};
  std::ifstream locks("/proc/locks");
  std::string ordinal, kind, mode, access, pid, file;
  if (::fstat(fd, &status) != 0) return "another process";
  const auto inode = ":" + std::to_string(status.st_ino);
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    words >> ordinal >> kind >> mode >> access >> pid >> file;
    if (kind != "FLOCK" || access != "WRITE" || !file.ends_with(inode)) continue;
    std::string name;
    std::getline(std::ifstream("/proc/" + pid + "/comm"), name);
    return "process " + pid + (name.empty() ? "" : " (" + name + ")");
  }
  return "another process";
}

/// By whole words, for another process may read the place meanwhile, in unsettled().
void write_words(Step& place, const Step& step) noexcept {
  const auto words = std::bit_cast<std::array<std::uint64_t, sizeof(Step) / 8>>(step);
  auto* into = reinterpret_cast<std::uint64_t*>(&place);
  // release: what was prepared before is seen by whoever sees a word of this step.
  for (const auto word : words) std::atomic_ref(*into++).store(word, std::memory_order_release);
}

}  // namespace

struct Journal::Page {
  std::atomic<std::uint64_t> magic;
  std::atomic<std::uint64_t> done;      // number of the last step that is done
  std::atomic<std::uint64_t> prepared;  // number of the last step that was begun: done or done + 1
  Step steps[2];                        // step n stands in steps[n % 2]
  WrittenSegment written;               // zeros where an earlier version made the file
};

Journal::Journal(const std::string& prefix, base::Files& files) {
  static_assert(sizeof(Page) <= kJournalBytes && std::is_standard_layout_v<Page>);
  const auto path = prefix + ".lock";
  lock_ = files.open_append(path, 0640);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) throw IoError("lock", path, last_error());
    throw ConfigError("log '" + prefix + "' is already written by " + holder_of(lock_.get()) +
                      ": stop that first");
  }
  const auto size = files.size(lock_.get(), path);
  // Shorter: a kill, or a full disk, while it was made. Real bytes: no hole is met later.
  if (size < kJournalBytes) {
    files.write_all(lock_.get(), std::string(kJournalBytes - size, '\0'), path);
  }
  try {
    region_ = interprocess::mapped_region(base::Mappable{lock_.get()}, interprocess::read_write, 0,
                                          kJournalBytes);
  } catch (const interprocess::interprocess_exception& failure) {
    throw IoError("open", path,
                  std::error_code(failure.get_native_error(), std::system_category()));
  }
  // relaxed, here and below: one process and thread; what counts is what the file holds after a
  // kill, and that is program order as far as the release stores fix it.
  auto& magic = page().magic;
  if (magic.load(std::memory_order_relaxed) == 0) {
    magic.store(kJournalMagic, std::memory_order_release);
  }
  if (magic.load(std::memory_order_relaxed) != kJournalMagic) {
    throw ConfigError("cannot use '" + path + "': not a journal of this version");
  }
}

std::optional<Written> Journal::unsettled(const std::string& prefix, base::Files& files) {
  const auto path = prefix + ".lock";
  base::UniqueFd fd;
  try {
    fd = files.open_own(path);
  } catch (const base::RefusedError&) {  // no journal of ours, so nothing is pending
  }
  if (!fd || files.size(fd.get(), path) < kJournalBytes) return std::nullopt;
  const interprocess::mapped_region region(base::Mappable{fd.get()}, interprocess::read_only, 0,
                                           kJournalBytes);
  auto& page = *static_cast<Page*>(region.get_address());  // only read: atomic_ref wants no const
  if (page.magic.load(std::memory_order_relaxed) != kJournalMagic) return std::nullopt;
  for (;;) {
    // acquire: pairs with the releases of prepare(), commit() and take_back().
    const auto prepared = page.prepared.load(std::memory_order_acquire);
    if (page.done.load(std::memory_order_acquire) == prepared) return std::nullopt;
    auto& step = page.steps[prepared % 2];
    // acquire: pairs with write_words(); whoever reads a word of a later step in this place reads
    // that step's predecessor as prepared, too, and comes round again.
    const auto hour_s = std::atomic_ref(step.hour_s).load(std::memory_order_acquire);
    const auto offset = std::atomic_ref(step.offset).load(std::memory_order_acquire);
    if (page.prepared.load(std::memory_order_relaxed) != prepared) continue;
    return Written{{segment_path(prefix, UnixNanos{std::chrono::seconds(hour_s)}), offset}};
  }
}

Journal::Page& Journal::page() const noexcept { return *static_cast<Page*>(region_.get_address()); }

const Step& Journal::done() const noexcept {
  return page().steps[page().done.load(std::memory_order_relaxed) % 2];
}

bool Journal::is_pending() const noexcept {
  return page().prepared.load(std::memory_order_relaxed) !=
         page().done.load(std::memory_order_relaxed);
}

const Step& Journal::pending() const noexcept {
  return page().steps[page().prepared.load(std::memory_order_relaxed) % 2];
}

void Journal::note(const WrittenSegment& segment) noexcept { page().written = segment; }

const WrittenSegment& Journal::written() const noexcept { return page().written; }

void Journal::prepare(const Step& step) noexcept {
  const auto next = page().done.load(std::memory_order_relaxed) + 1;
  write_words(page().steps[next % 2], step);
  // release: the step is whole in the file before its number is.
  page().prepared.store(next, std::memory_order_release);
}

void Journal::commit() noexcept {
  page().done.store(page().prepared.load(std::memory_order_relaxed), std::memory_order_release);
}

void Journal::take_back() noexcept {
  page().prepared.store(page().done.load(std::memory_order_relaxed), std::memory_order_release);
}

}  // namespace manhattan::log
