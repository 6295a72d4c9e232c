// SPDX-License-Identifier: MIT
#include "bin/catching_up.h"

#include <algorithm>

namespace manhattan::program {
namespace {

using namespace std::chrono_literals;

constexpr auto kSayEvery = 10s;
constexpr std::uint64_t kMuchBytes = 4 << 20;  // a second's worth and more

double seconds(UnixNanos::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

void CatchingUp::note(const backend::Worker::Step& step) {
  if (!is_behind_ && step.left_bytes > kMuchBytes) begin(step);
  if (!is_behind_) return;
  const auto now = clock_.now();
  state_.done_bytes += step.bytes;
  state_.total_bytes = std::max(state_.total_bytes, state_.done_bytes + step.left_bytes);
  state_.records += static_cast<std::uint64_t>(step.records);
  state_.seconds = seconds(now - began_at_);
  if (step.at) state_.behind_s = std::max(0.0, seconds(now - *step.at));
  if (line_) line_->draw(state_);
  if (step.left_bytes == 0) return end();
  if (now - said_at_ < kSayEvery) return;
  said_at_ = now;
  messages_.info("counting: " + progress_text(state_));
}

void CatchingUp::begin(const backend::Worker::Step& step) {
  is_behind_ = true;
  said_at_ = clock_.now();
  began_at_ = said_at_ - step.took;
  state_ = {};
  const auto total = step.bytes + step.left_bytes;
  messages_.info(std::to_string(total / 1'000'000) + " MB of log are to be counted");
  if (bar_ == Bar::shown) line_.emplace(total);
}

void CatchingUp::end() {
  is_behind_ = false;
  line_.reset();
  messages_.info("caught up: " + progress_text(state_));
}

}  // namespace manhattan::program
