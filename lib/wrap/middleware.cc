// SPDX-License-Identifier: MIT
#include "wrap/middleware.h"

#include <bit>

#include "http/pixel_injector.h"
#include "http/report.h"
#include "http/rewrite.h"

namespace manhattan {
namespace {

SiteId site_of(const std::map<std::string, SiteId>& sites, const std::string& host) {
  const auto found = sites.find(host);
  return found == sites.end() ? 0 : found->second;
}

}  // namespace

Middleware::Middleware(visitor::Signer signer, Settings settings, base::MessageLog& messages)
    : signer_(std::move(signer)), settings_(std::move(settings)), messages_(messages) {}

Visit Middleware::begin(const http::Environment& environment, Log& log) const {
  auto request = http::make_request(environment, settings_.proxies);
  std::optional<std::string> returning;
  bool is_cookie_due = true;
  for (const auto value : http::cookie_values(request.cookies, settings_.cookie_name)) {
    auto verified = signer_.verify(value);
    if (!verified) continue;
    returning = std::move(verified->visitor);
    is_cookie_due = !verified->is_current;
    break;
  }
  return Visit(*this, std::move(request), std::move(returning), is_cookie_due, log);
}

void Middleware::note(Append append) const {
  if (append != Append::dropped) return;
  const auto count = dropped_records_.fetch_add(1, std::memory_order_relaxed) + 1;
  // At 1, 2, 4, 8, ...: a full disk must not fill the log, too.
  if (!std::has_single_bit(count)) return;
  messages_.error("records dropped so far: " + std::to_string(count) +
                  "; neither the ring nor the text log can be written");
}

Visit::Visit(const Middleware& middleware, http::Request request,
             std::optional<std::string> returning, bool is_cookie_due, Log& log)
    : middleware_(middleware),
      request_(std::move(request)),
      is_known_(returning.has_value()),
      is_cookie_due_(is_cookie_due && request_.is_page()),
      is_for_pixel_(!middleware.settings_.pixel_path.empty() &&
                    request_.path == middleware.settings_.pixel_path &&
                    (request_.method == "GET" || request_.method == "HEAD")),
      visitor_(returning ? std::move(*returning) : visitor::new_visitor_id(), log,
               site_of(middleware.settings_.sites, request_.host)) {}

std::string Visit::answer_pixel() {
  if (is_known_ && !request_.is_prefetch) middleware_.note(visitor_.pixel());
  return http::pixel_answer(request_.method == "HEAD");
}

void Visit::open(http::Environment& environment) {
  const auto& settings = middleware_.settings_;
  environment.set("MANHATTAN_VISITOR", visitor_.id());
  environment.set("MANHATTAN_SITE", std::to_string(visitor_.site()));
  environment.set("MANHATTAN_RING", settings.ring);
  environment.set("MANHATTAN_PATH", settings.path_prefix);
  if (!request_.is_page()) return;
  Page page;
  page.ip = request_.client;
  page.method = request_.method;
  page.url = request_.url;
  page.user_agent = request_.user_agent;
  page.referrer = request_.referrer;
  middleware_.note(visitor_.page(page));
}

std::optional<std::string> Visit::rewrite(http::AnswerHead& head) {
  for (const auto& text : head.take("Manhattan-Split")) record_split(text);
  for (const auto& text : head.take("Manhattan-Goal")) record_goal(text);
  const auto& settings = middleware_.settings_;
  if (is_cookie_due_) {
    http::add_cookie(
        head, http::cookie_to_set(settings.cookie_name, middleware_.signer_.sign(visitor_.id()),
                                  request_.is_secure));
  }
  if (settings.pixel_path.empty() || request_.is_prefetch || !http::takes_pixel(head)) return {};
  http::prepare_for_pixel(head);
  return http::pixel_tag(settings.pixel_path);
}

void Visit::record_goal(const std::string& text) {
  const auto report = http::parse_goal(text);
  if (!report) return middleware_.messages_.warning("'Manhattan-Goal: " + text + "' is no goal");
  // Without a cookie now or before, the record would belong to nobody.
  if (request_.is_prefetch || !(is_known_ || is_cookie_due_)) return;
  middleware_.note(visitor_.goal({.name = report->name,
                                  .value = report->value,
                                  .type = static_cast<ValueType>(report->type),
                                  .format = static_cast<ValueFormat>(report->format)}));
}

void Visit::record_split(const std::string& text) {
  const auto report = http::parse_split(text);
  if (!report) return middleware_.messages_.warning("'Manhattan-Split: " + text + "' is no split");
  if (request_.is_prefetch || !(is_known_ || is_cookie_due_)) return;
  middleware_.note(visitor_.show(report->name, report->population));
}

}  // namespace manhattan
