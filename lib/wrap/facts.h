// SPDX-License-Identifier: MIT
// What a rule can ask of a request and its answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/answer_head.h"
#include "http/environment.h"
#include "http/request.h"

namespace manhattan::wrap {

/// One request, and its answer once there is one. All borrowed.
struct Facts {
  const http::Request& request;
  const http::Environment& environment;
  const http::AnswerHead* answer = nullptr;
};

/// Where a rule finds a text: `method`, `host`, `path`, `status`, `query.NAME`, `header.NAME`,
/// `cookie.NAME`, `answer.NAME`.
struct Source {
  enum class Kind { method, host, path, status, query, header, cookie, answer };

  Kind kind = Kind::path;
  std::string name;  ///< of the last four

  /// Nothing where `word` is none.
  static std::optional<Source> parse(std::string_view word);
  /// The answer has to be known.
  bool is_of_answer() const noexcept { return kind == Kind::status || kind == Kind::answer; }

  friend bool operator==(const Source&, const Source&) = default;
};

/// The text at `source`, a query's decoded, the first of several; nothing where there is none.
std::optional<std::string> text_at(const Source& source, const Facts& facts);

/// What the last `*` of `pattern` stands for in `text`, all of it where there is no `*`; nothing
/// where they don't match. A `*` is any run of characters, and earlier ones are as short as can be.
std::optional<std::string_view> match(std::string_view pattern, std::string_view text) noexcept;

/// What must be so for a rule to hold.
class Conditions {
 public:
  void require(Source source, std::string pattern);
  bool mention(Source::Kind kind) const noexcept;
  /// The patterns of each source hold, one of them where it has several.
  bool hold(const Facts& facts) const;
  /// No request fits without fitting `others`, too, as far as can be told from their words: each of
  /// their conditions is among these, with these patterns at least.
  bool imply(const Conditions& others) const noexcept;
  /// The text at `source`, as far as its pattern lets the last `*` stand for it.
  std::optional<std::string> captured(const Source& source, const Facts& facts) const;

 private:
  struct Condition {
    Source source;
    std::vector<std::string> patterns;
  };
  static std::optional<std::string> match_any(const Condition& condition, const Facts& facts);

  std::vector<Condition> conditions_;
};

}  // namespace manhattan::wrap
