// SPDX-License-Identifier: MIT
// Which answers set the visitor's cookie, and who may keep a copy of an answer.
#pragma once

#include <string>
#include <string_view>

#include "http/answer_head.h"

namespace manhattan::http {

/// What an answer is, as far as cookies and caches care.
enum class AnswerKind { pixel, own_error, of_copy, page, other };

struct AnswerPolicy {
  AnswerKind kind;
  const char* answer;   ///< in words, as manhattan-fcgi(8) has them
  bool may_set_cookie;  ///< where the visitor is due one
  bool may_be_kept;     ///< as the program says; false: by nobody
};

/// The whole of it, also in manhattan-fcgi(8). On top of each row stands one rule: an answer that
/// sets the cookie, or that a split chose, is kept by no shared cache (keep_to_visitor).
inline constexpr AnswerPolicy kAnswerPolicies[] = {
    // kind, answer                                             cookie kept
    {AnswerKind::pixel, "the pixel", true, false},
    {AnswerKind::own_error, "an error of manhattan-fcgi itself", false, false},
    // A cache puts the headers of these on the copy that it has, and hands them to everybody.
    {AnswerKind::of_copy, "304, 206", false, true},
    {AnswerKind::page, "any other answer to GET and POST", true, true},
    {AnswerKind::other, "an answer to another method", false, true},
};

/// The row of an answer that a program gave. `is_page`: to GET or POST.
const AnswerPolicy& policy_of(bool is_page, int status) noexcept;

/// The answer says itself how long a shared cache may keep it: a cookie would undo that.
bool invites_caches(const AnswerHead& head);

/// The headers of what may be kept by nobody, each with its line's end.
inline constexpr std::string_view kKeptByNobody =
    "Cache-Control: no-store, no-cache, must-revalidate, private, max-age=0\r\n"
    "Pragma: no-cache\r\nExpires: Thu, 01 Jan 1970 00:00:00 GMT\r\n";

/// Has no shared cache keep an answer: Cache-Control says `private` unless it says so or `no-store`
/// already, what speaks to shared caches only goes, from there and in headers of their own such as
/// Surrogate-Control, and Vary gains `Cookie`.
void keep_to_visitor(AnswerHead& head);

/// The same without the Vary, for what is of no use to others: a browser may show a page that it
/// fetched ahead though it has got a cookie since.
void keep_private(AnswerHead& head);

/// Adds a Set-Cookie, and keeps the answer to its visitor.
void add_cookie(AnswerHead& head, std::string cookie);

}  // namespace manhattan::http
