// SPDX-License-Identifier: MIT
#include "base/lane.h"

#include <utility>

namespace manhattan::base {

Lane::Lane(std::size_t most_waiting) : most_waiting_(most_waiting), thread_([this] { work(); }) {}

Lane::~Lane() {
  {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
    is_ending_ = true;
  }
  has_more_.notify_one();
  thread_.join();
}

void Lane::post(Job job) {
  std::unique_lock lock(mutex_);
  wait_until(lock, [this] { return waiting_.size() < most_waiting_; });
  waiting_.push_back(std::move(job));
  has_more_.notify_one();
}

void Lane::wait() {
  std::unique_lock lock(mutex_);
  wait_until(lock, [this] { return waiting_.empty() && !is_working_; });
}

void Lane::settle() noexcept {
  std::unique_lock lock(mutex_);
  has_changed_.wait(lock, [this] { return waiting_.empty() && !is_working_; });
}

template <class Condition>
void Lane::wait_until(std::unique_lock<std::mutex>& lock, Condition condition) {
  has_changed_.wait(lock, [&] { return error_ || condition(); });
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void Lane::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    has_more_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
    if (is_ending_) return;
    auto job = std::move(waiting_.front());
    waiting_.pop_front();
    is_working_ = true;
    lock.unlock();
    has_changed_.notify_one();
    std::exception_ptr error;
    try {
      job();
    } catch (...) {
      error = std::current_exception();
    }
    job = nullptr;
    lock.lock();
    is_working_ = false;
    if (error) {
      error_ = error;
      waiting_.clear();
    }
    has_changed_.notify_one();
  }
}

}  // namespace manhattan::base
