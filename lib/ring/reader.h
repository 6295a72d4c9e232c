// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "ring/batch.h"
#include "ring/futex.h"
#include "ring/view.h"

namespace manhattan::ring {

/// How many frames a reader met, and what became of them.
struct Tally {
  std::uint64_t taken = 0;
  std::uint64_t abandoned = 0;  ///< their writers died or stalled in the middle
  std::uint64_t corrupt = 0;    ///< frames whose checksum does not hold, and gaps between frames
};

/// The one reader that gives cells back: takes frames in the order of their times, skips what was
/// abandoned or damaged, and trusts no byte.
///
/// Of two frames, the one that was committed before the other was begun comes first, whatever
/// shards they lie in. Begun is what `at` says; a frame begun after begin() waits for the next one.
///
/// Owns:    nothing; the ring's memory must outlive the reader.
/// Threads: one; exactly one reader for a ring.
/// Blocks:  in sleep() only.
class Reader {
 public:
  /// Starts at heads().
  explicit Reader(const View& ring);

  const std::vector<std::uint64_t>& positions() const noexcept { return positions_; }
  /// What the ring says has been given back: where a reader starts that remembers nothing.
  std::vector<std::uint64_t> heads() const;
  const Tally& tally() const noexcept { return tally_; }
  /// Goes back, or on, to what positions() and tally() once were.
  void go_to(const std::vector<std::uint64_t>& positions, const Tally& tally);

  /// Opens a pass at `now`, from which take() draws.
  void begin(UnixNanos now) noexcept;
  /// Moves frames of times up to `bound` into `batch` until it is full or nothing is ripe.
  void take(UnixNanos bound, Batch& batch);
  /// Something is there that was not ripe: too new, or its writer has not finished.
  bool has_unripe() const noexcept;
  /// The latest time that other sources may take from as well: frames up to it are all taken.
  UnixNanos ripe_until() const noexcept;

  /// Gives the cells before positions() back to the writers, and mends damaged hints. Only after
  /// the frames are where no kill can lose them.
  void publish() noexcept;

  enum class Until { any_frame, quarter_full };
  /// Sleeps until the ring holds that much, a notify() since the futex word was `seen`, or
  /// `timeout`; or until `other`, where it is given, is not as it was seen.
  void sleep(Until until, std::uint32_t seen, std::chrono::nanoseconds timeout,
             const Seen* other = nullptr) noexcept;

 private:
  enum class Front { unknown, empty, ready, blocked };
  struct Lane {  // what is known of one shard during a pass
    Front front = Front::unknown;
    std::int64_t key_ns = 0;          ///< time of the front frame, for the merge
    std::uint32_t cells = 0;          ///< of the front frame
    std::int64_t begun_after_ns = 0;  ///< what lies behind a blocked front was begun after that
    std::uint64_t blocked_position = ~std::uint64_t{0};
    std::int64_t blocked_since_ns = 0;
  };

  void look(std::uint32_t shard) noexcept;
  Front judge(std::uint32_t shard, Control control) noexcept;
  Front judge_committed(std::uint32_t shard, Control control) noexcept;
  Front judge_reserved(std::uint32_t shard, Control control) noexcept;
  Front judge_empty(std::uint32_t shard) noexcept;
  bool is_given_up(Lane& lane, std::uint64_t position, Control control) const noexcept;
  bool is_sane(Control control) const noexcept;
  Front search(std::uint32_t shard) noexcept;
  Front bury(std::uint32_t shard) noexcept;
  bool starts_frame(std::uint32_t shard, std::uint64_t position) noexcept;
  void take_front(std::uint32_t shard, Batch& batch) noexcept;
  void take_run(std::uint32_t shard, std::int64_t until_ns, Batch& batch);
  std::int64_t blocked_bound_ns() const noexcept;
  bool arm(Until until) noexcept;

  View ring_;
  bool can_watch_;  ///< shares the pid namespace of the writers
  std::int64_t now_ns_ = 0;
  int searches_left_ = 0;
  Tally tally_;
  std::vector<std::uint64_t> positions_;
  std::vector<Lane> lanes_;
  std::vector<char> scratch_;  ///< for frames that are checked but not taken
};

}  // namespace manhattan::ring
