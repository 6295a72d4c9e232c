// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/message_log.h"
#include "http/answer_head.h"
#include "http/environment.h"
#include "http/pixel_page.h"
#include "http/request.h"
#include "http/trusted_proxies.h"
#include "log/log.h"
#include "record/robot_names.h"
#include "visitor/cookie.h"
#include "visitor/visitor.h"
#include "wrap/rules.h"
#include "wrap/used_tokens.h"

namespace manhattan {

class Visit;

/// Instruments requests and answers of any program: who asks, what to record, what to change.
///
/// Threads: const use from any number.
/// Errors:  what a log drops is counted and told; the request never fails because of it.
class Middleware {
 public:
  struct Settings {
    std::string cookie_name = "manhattan";
    std::string pixel_path = "/vpixel.gif";  ///< empty: no pixel
    std::map<std::string, SiteId> sites;     ///< by host, lower case; others are site 0
    http::TrustedProxies proxies;
    /// Variables of headers that say "1" where their visitor is not to be recorded.
    std::vector<std::string> refusals;
    bool is_anonymized = false;  ///< addresses are recorded as their networks
    std::string ring;            ///< told to programs as MANHATTAN_RING
    std::string path_prefix;     ///< told to programs as MANHATTAN_PATH
    std::vector<wrap::GoalRule> goals;
    std::vector<wrap::SplitRule> splits;
  };

  /// ConfigError where split rules can't stand together (wrap::check_splits).
  Middleware(visitor::Signer signer, Settings settings, base::MessageLog& messages);

  /// The part of one request; `environment`, `log` and this must outlive it.
  Visit begin(http::Environment& environment, Log& log) const;
  /// The same of a request whose variables are still in `block`, as in environ(7), which must
  /// outlive it, too. `environment` borrows them once somebody asks for it: most never do.
  Visit begin(char* const* block, http::Environment& environment, Log& log) const;

 private:
  friend class Visit;
  void note(Append append) const;

  visitor::Signer signer_;
  Settings settings_;
  record::RobotNames robots_;
  std::string pixel_tag_;
  base::MessageLog& messages_;
  mutable std::atomic<std::uint64_t> dropped_records_ = 0;
  mutable wrap::UsedTokens used_tokens_;
};

/// One request of one visitor, from its environment to the head of its answer.
class Visit {
 public:
  Visitor& visitor() {
    look_for_robot();
    return visitor_;
  }
  const http::Request& request() const noexcept { return request_; }

  /// True: the request is for the pixel, which is answered here; no program runs.
  bool is_for_pixel() const noexcept { return is_for_pixel_; }
  /// Records that the visitor's browser shows pictures, if its cookie came back, which is then set
  /// anew, for another year. Before it, what waited for a page that was fetched ahead. The answer.
  std::string answer_pixel();

  /// Records the page, chooses the populations of split rules and records them.
  void open();
  /// The environment it began with, in which the program is told about its visitor.
  const http::Environment& tell();
  /// After open(): the program that the visitor's population runs instead; empty: the usual one.
  const std::string& program() const noexcept { return program_; }

  /// Records what the program reports and the goals of rules, and sets the cookie where one is due.
  /// The pixel to put into the page, where it takes one: the head then says so. Its tag lives as
  /// long as the middleware and this.
  std::optional<http::Pixel> rewrite(http::AnswerHead& head);

 private:
  friend class Middleware;
  Visit(const Middleware& middleware, http::Request&& request, char* const* block,
        http::Environment& environment, Log& log);
  http::Environment& environment();
  std::string find_visitor();
  bool is_refused();
  /// A record would belong to somebody: without a cookie now or before, it would to nobody.
  bool is_recorded() const noexcept { return is_known_ || is_cookie_due_; }
  std::string cookie() const;
  /// The answer sets the cookie: it is due, or so old that it is set anew where that costs no
  /// cache.
  bool sets_cookie(const http::AnswerHead& head) const;
  /// Before a population can be chosen: 0.4 us of a request without a cookie, once.
  void look_for_robot();
  void choose_splits();
  std::string_view tag_of_prefetch(http::AnswerHead& head);
  void record_shown();
  void record_rules(const http::AnswerHead& head);
  void record_goal(const std::string& text);
  void record_split(const std::string& text);

  const Middleware& middleware_;
  http::Environment& environment_;
  char* const* unread_;  ///< what environment_ has yet to borrow; null: nothing
  http::Request request_;
  /// Asked not to be recorded, or can get no cookie: no pixel and no record either.
  bool is_nobody_;
  bool is_known_ = false;      ///< a valid cookie came back
  bool is_cookie_due_ = true;  ///< none did, or one signed in an old way
  bool is_for_pixel_;
  Visitor visitor_;
  std::string program_;
  std::string tag_;  ///< of a page that is fetched ahead
  bool is_told_ = false;
  bool is_looked_at_ = false;  ///< whether it is a robot
  bool is_split_ = false;      ///< by a rule or a header: other visitors may get another answer
};

}  // namespace manhattan
