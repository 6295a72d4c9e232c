// SPDX-License-Identifier: MIT
#include "backend/freshness.h"

#include <algorithm>

namespace manhattan::backend {
namespace {

constexpr std::chrono::seconds kMostBehind{1};

}  // namespace

void Freshness::note_read(Clock::time_point at) {
  const std::lock_guard lock(mutex_);
  if (!since_) since_ = at;
}

void Freshness::note_rest() {
  const std::lock_guard lock(mutex_);
  rested_ = Clock::now();
}

void Freshness::note_commit() {
  const std::lock_guard lock(mutex_);
  since_.reset();
  is_asked_for_ = false;
  ++commits_;
  committed_.notify_all();
}

Freshness::Clock::duration Freshness::age() const {
  const std::lock_guard lock(mutex_);
  return since_ ? Clock::now() - *since_ : Clock::duration::zero();
}

Freshness::Clock::duration Freshness::age_at_work() const {
  const std::lock_guard lock(mutex_);
  return since_ ? Clock::now() - std::max(*since_, rested_) : Clock::duration::zero();
}

bool Freshness::is_asked_for() const {
  const std::lock_guard lock(mutex_);
  return is_asked_for_;
}

bool Freshness::ask(std::chrono::milliseconds at_most, const std::function<void()>& wake) {
  std::unique_lock lock(mutex_);
  const auto now = Clock::now();
  if (!since_ || now - *since_ < kMostBehind || now - rested_ > kMostBehind) return false;
  is_asked_for_ = true;
  wake();
  return committed_.wait_for(lock, at_most, [&, seen = commits_] { return commits_ != seen; });
}

}  // namespace manhattan::backend
