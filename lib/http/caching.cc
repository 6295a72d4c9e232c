// SPDX-License-Identifier: MIT
#include "http/caching.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.h"

namespace manhattan::http {
namespace {

constexpr const AnswerPolicy& row_of(AnswerKind kind) noexcept {
  return *std::find_if(std::begin(kAnswerPolicies), std::end(kAnswerPolicies),
                       [&](const AnswerPolicy& policy) { return policy.kind == kind; });
}

/// `max-age=60` or `private="a, b"`: views of the header's value.
struct Directive {
  std::string_view text;
  std::string_view name;

  bool is(std::string_view wanted) const noexcept {
    return base::equals_ignoring_case(name, wanted);
  }
  bool has_value() const noexcept { return name.size() != text.size(); }
  /// No shared cache keeps the answer. `private="field"` is about that field only.
  bool keeps_away() const noexcept { return is("no-store") || (is("private") && !has_value()); }
  /// Allows shared caches something, or is nothing but theirs. must-understand has caches that know
  /// the status forget a no-store.
  bool is_for_shared() const noexcept {
    return is("public") || is("s-maxage") || is("proxy-revalidate") || is("must-understand") ||
           (is("private") && has_value());
  }
};

/// Appends the directives of a comma-separated list. A comma within double quotes parts nothing.
void append_directives(std::string_view list, std::vector<Directive>& directives) {
  while (!list.empty()) {
    bool is_quoted = false;
    std::size_t end = 0;
    for (; end < list.size() && (is_quoted || list[end] != ','); ++end) {
      if (list[end] == '"') is_quoted = !is_quoted;
      if (is_quoted && list[end] == '\\' && end + 1 < list.size()) ++end;
    }
    const auto text = base::trim(list.substr(0, end));
    if (!text.empty()) directives.push_back({text, base::trim(text.substr(0, text.find('=')))});
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

bool is_cache_control(const Header& header) noexcept {
  return base::equals_ignoring_case(header.name, "Cache-Control");
}

void make_private(AnswerHead& head) {
  std::vector<Directive> directives;
  for (const auto& header : head.headers) {
    if (is_cache_control(header)) append_directives(header.value, directives);
  }
  const auto any = [&](bool (Directive::*is_so)() const noexcept) {
    return std::any_of(directives.begin(), directives.end(),
                       [&](const Directive& directive) { return (directive.*is_so)(); });
  };
  const bool is_kept_away = any(&Directive::keeps_away);
  if (is_kept_away && !any(&Directive::is_for_shared)) return;
  std::string value = is_kept_away ? "" : "private";
  for (const auto& directive : directives) {
    if (directive.is_for_shared()) continue;
    value.append(value.empty() ? "" : ", ").append(directive.text);
  }
  // One header with all of it, where the first stood.
  const auto first = std::find_if(head.headers.begin(), head.headers.end(), is_cache_control);
  if (first == head.headers.end()) {
    head.headers.push_back({"Cache-Control", std::move(value)});
    return;
  }
  first->value = std::move(value);
  head.headers.erase(std::remove_if(first + 1, head.headers.end(), is_cache_control),
                     head.headers.end());
}

/// A header that overrides Cache-Control for shared caches: those of RFC 9213, such as
/// CDN-Cache-Control, and their elders.
bool is_for_shared_caches(const Header& header) {
  constexpr std::string_view kElders[] = {"Surrogate-Control", "Edge-Control", "X-Accel-Expires"};
  constexpr std::string_view kEnd = "-Cache-Control";
  const std::string_view name = header.name;
  const bool is_targeted = name.size() > kEnd.size() &&
                           base::equals_ignoring_case(name.substr(name.size() - kEnd.size()), kEnd);
  return is_targeted || std::any_of(std::begin(kElders), std::end(kElders), [&](auto elder) {
           return base::equals_ignoring_case(name, elder);
         });
}

/// Those headers go, but for one that keeps shared caches away itself.
void drop_shared_headers(AnswerHead& head) {
  std::erase_if(head.headers, [](const Header& header) {
    if (!is_for_shared_caches(header)) return false;
    std::vector<Directive> directives;
    append_directives(header.value, directives);
    return !std::any_of(directives.begin(), directives.end(), [](const Directive& directive) {
      return directive.keeps_away() || directive.text == "0";  // X-Accel-Expires: 0
    });
  });
}

/// `Vary: Cookie`, in the Vary header that is there already.
void vary_by_cookie(AnswerHead& head) {
  Header* vary = nullptr;
  for (auto& header : head.headers) {
    if (!base::equals_ignoring_case(header.name, "Vary")) continue;
    for (const auto item : base::split(header.value, ',')) {
      const auto name = base::trim(item);
      if (name == "*" || base::equals_ignoring_case(name, "Cookie")) return;
    }
    if (vary == nullptr) vary = &header;
  }
  if (vary == nullptr) {
    head.headers.push_back({"Vary", "Cookie"});
  } else {
    vary->value.append(base::trim(vary->value).empty() ? "Cookie" : ", Cookie");
  }
}

}  // namespace

const AnswerPolicy& policy_of(bool is_page, int status) noexcept {
  if (status == 304 || status == 206) return row_of(AnswerKind::of_copy);
  return row_of(is_page ? AnswerKind::page : AnswerKind::other);
}

bool invites_caches(const AnswerHead& head) {
  std::vector<Directive> directives;
  bool invites = false;
  for (const auto& header : head.headers) {
    if (is_cache_control(header)) append_directives(header.value, directives);
    invites = invites || is_for_shared_caches(header) ||
              base::equals_ignoring_case(header.name, "Expires");
  }
  for (const auto& directive : directives) {
    if (directive.keeps_away()) return false;
    invites = invites || directive.is_for_shared() || directive.is("max-age");
  }
  return invites;
}

void keep_private(AnswerHead& head) {
  make_private(head);
  drop_shared_headers(head);
}

void keep_to_visitor(AnswerHead& head) {
  keep_private(head);
  vary_by_cookie(head);
}

void add_cookie(AnswerHead& head, std::string cookie) {
  keep_to_visitor(head);
  head.headers.push_back({"Set-Cookie", std::move(cookie)});
}

}  // namespace manhattan::http
