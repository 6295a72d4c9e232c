// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "wrap/body.h"
#include "wrap/delivery.h"
#include "wrap/error_lines.h"
#include "wrap/fast_cgi_records.h"

namespace manhattan::wrap {

/// Carries one request to a FastCGI program and its answer to the client while all three live.
///
/// Threads: one.
/// Blocks:  until the answer is over one way or another; see Relay.
class UpstreamRelay {
 public:
  /// What the program gets and what its standard error becomes.
  struct Question {
    std::string beginning;  ///< append_question()'s
    const Body& body;
    ErrorLines& errors;
  };

  /// `buffer` is the worker's own.
  UpstreamRelay(base::UniqueFd connection, Question question, Delivery& delivery,
                std::vector<char>& buffer);

  Outcome run();

  /// It said that it serves too many already.
  bool had_no_room() const noexcept;
  /// What is wrong for the log, such as `exit code 1`; mostly nothing.
  std::string remark() const;

 private:
  using Clock = Delivery::Clock;
  enum Source { kUpstream, kClient, kSources };

  bool is_sending() const noexcept { return !is_body_sent_ || sent_bytes_ < sending_.size(); }
  std::optional<Outcome> take_silence();
  std::optional<Outcome> take_events();
  void send();
  void refill();
  std::optional<Outcome> receive();
  std::optional<Outcome> take_records(std::string_view bytes);
  void extend_deadline() { deadline_ = delivery_.deadline(); }

  base::UniqueFd connection_;
  const Body& body_;
  ErrorLines& errors_;
  Delivery& delivery_;
  std::vector<char>& buffer_;
  std::string sending_;
  std::size_t sent_bytes_ = 0;  ///< of sending_
  bool is_body_sent_ = false;   ///< or given up
  bool is_cut_ = false;         ///< the connection broke
  bool is_damaged_ = false;     ///< what came is no FastCGI
  bool has_ended_ = false;
  AnswerRecords records_;
  std::array<pollfd, kSources> polled_;
  Clock::time_point deadline_;
};

}  // namespace manhattan::wrap
