// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "log/forgotten.h"
#include "log/inflater.h"
#include "log/journal.h"

namespace manhattan::log {

/// Takes visitors out of a text log for good, while no server runs: their lines are overwritten
/// with others of the same length, so that every offset stays what it was.
///
/// A kill at any instruction leaves a log that is whole; the same call again does the rest.
/// Owns:    the log's lock.
/// Threads: one.
/// Errors:  ConfigError where a server has the log; IoError; DamageError names a compressed file
///          that can't be read to its end, once all the others are done.
class Forget {
 public:
  /// `tell` hears of files that only have a segment's name: they stay as they are.
  Forget(const std::string& prefix, base::Files& files, Segments::Tell tell = {});

  struct Done {
    std::uint64_t lines = 0;
    std::uint64_t files = 0;
  };
  /// What they did up to `now`, also what waits in the ring and the spill log.
  Done run(const record::Visitors& visitors, UnixNanos now);

 private:
  void settle();
  std::uint64_t erase_in(const std::string& path, const record::Visitors& visitors);
  std::uint64_t erase_in_place(const std::string& path, const record::Visitors& visitors);
  std::uint64_t rewrite(const std::string& stored, Inflater::Format format,
                        const record::Visitors& visitors);

  base::Files& files_;
  const std::string prefix_;
  Segments segments_;
  Journal journal_;
};

}  // namespace manhattan::log
