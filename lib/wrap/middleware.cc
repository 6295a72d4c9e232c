// SPDX-License-Identifier: MIT
#include "wrap/middleware.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "http/caching.h"
#include "http/pixel_injector.h"
#include "http/report.h"
#include "http/rewrite.h"
#include "record/anonymize.h"
#include "visitor/token.h"
#include "visitor/visitor_id.h"

namespace manhattan {
namespace {

// Of records in a pixel's address: web servers take request lines of 8 KiB, base64 makes it a third
// more.
constexpr std::size_t kMostTokenBytes = 4500;

SiteId site_of(const std::map<std::string, SiteId>& sites, const std::string& host) {
  const auto found = sites.find(host);
  return found == sites.end() ? 0 : found->second;
}

}  // namespace

Middleware::Middleware(visitor::Signer signer, Settings settings, base::MessageLog& messages)
    : signer_(std::move(signer)),
      settings_(std::move(settings)),
      robots_(record::default_robots()),
      pixel_tag_(http::pixel_tag(settings_.pixel_path)),
      messages_(messages) {
  wrap::check_splits(settings_.splits);
}

Visit Middleware::begin(http::Environment& environment, Log& log) const {
  return {*this, http::make_request(environment, settings_.proxies), nullptr, environment, log};
}

Visit Middleware::begin(char* const* block, http::Environment& environment, Log& log) const {
  log.prefetch();
  if (auto request = http::make_request(block, settings_.proxies)) {
    return {*this, std::move(*request), block, environment, log};
  }
  environment.borrow(block);
  return begin(environment, log);
}

void Middleware::note(Append append) const {
  if (append != Append::dropped) return;
  const auto count = dropped_records_.fetch_add(1, std::memory_order_relaxed) + 1;
  // At 1, 2, 4, 8, ...: a full disk must not fill the log, too.
  if (!std::has_single_bit(count)) return;
  messages_.error("records dropped so far: " + std::to_string(count) +
                  "; neither the ring nor the text log can be written");
}

Visit::Visit(const Middleware& middleware, http::Request&& request, char* const* block,
             http::Environment& environment, Log& log)
    : middleware_(middleware),
      environment_(environment),
      unread_(block),
      request_(std::move(request)),
      is_nobody_(is_refused()),
      is_for_pixel_(!middleware.settings_.pixel_path.empty() &&
                    request_.path() == middleware.settings_.pixel_path &&
                    (request_.method == "GET" || request_.method == "HEAD")),
      visitor_(find_visitor(), log, site_of(middleware.settings_.sites, request_.host),
               request_.is_prefetch ? Visitor::Buffering::until_shown : Visitor::Buffering::none) {
  is_cookie_due_ =
      is_cookie_due_ && request_.is_page() && !is_nobody_ && middleware_.signer_.can_sign();
}

http::Environment& Visit::environment() {
  if (unread_ != nullptr) environment_.borrow(std::exchange(unread_, nullptr));
  return environment_;
}

bool Visit::is_refused() {
  const auto& refusals = middleware_.settings_.refusals;
  return std::any_of(refusals.begin(), refusals.end(),
                     [&](const auto& name) { return environment().get(name) == "1"; });
}

std::string Visit::find_visitor() {
  if (is_nobody_) return std::string(Visitor::kNobody);
  auto cookies = request_.cookies;
  while (const auto value = http::take_cookie(cookies, middleware_.settings_.cookie_name)) {
    auto verified = middleware_.signer_.verify(*value);
    if (!verified) continue;
    is_known_ = true;
    is_cookie_due_ = !verified->is_current;
    return std::move(verified->visitor);
  }
  if (middleware_.signer_.can_sign()) return visitor::new_visitor_id();
  is_nobody_ = true;  // without a cookie it would be another visitor on every page
  return std::string(Visitor::kNobody);
}

void Visit::look_for_robot() {
  if (std::exchange(is_looked_at_, true) || is_known_ || is_nobody_) return;
  if (!middleware_.robots_.find_in(request_.user_agent)) return;
  // A name that is the same whenever it comes from there. Signed: who reads the name in a log
  // learns nothing of the address.
  std::string text("robot ");
  text.append(request_.client).append(" ").append(request_.user_agent);
  visitor_.choose_for(middleware_.signer_.seal(text));
}

std::string Visit::answer_pixel() {
  const bool is_head = request_.method == "HEAD";
  if (!is_known_ || request_.is_prefetch) return http::pixel_answer(is_head);
  record_shown();
  middleware_.note(visitor_.pixel());
  return http::pixel_answer(is_head, middleware_.signer_.can_sign() ? cookie() : "");
}

/// The page that this pixel stands in may have been fetched ahead.
void Visit::record_shown() {
  const auto query = std::string_view(request_.url).substr(request_.path_at + request_.path_size);
  if (query.empty()) return;
  const auto token = query.substr(1);
  const auto now = visitor_.timestamp();
  const auto records = visitor::read_token(middleware_.signer_, visitor_.id(), token, now);
  if (!records || !middleware_.used_tokens_.use(token, now)) return;
  middleware_.note(visitor_.record_taken(*records));
}

void Visit::open() {
  const auto& settings = middleware_.settings_;
  if (request_.is_prefetch && is_recorded()) {
    // A copy that the browser has would come without the tag that tells when it is shown.
    environment().remove("HTTP_IF_NONE_MATCH");
    environment().remove("HTTP_IF_MODIFIED_SINCE");
  }
  if (request_.is_page()) {
    const auto masked = settings.is_anonymized ? record::masked_address(request_.client) : "";
    middleware_.note(visitor_.page({.ip = settings.is_anonymized ? masked : request_.client,
                                    .method = request_.method,
                                    .url = request_.url,
                                    .user_agent = request_.user_agent,
                                    .referrer = request_.referrer}));
  }
  choose_splits();
}

void Visit::choose_splits() {
  std::vector<std::string_view> chosen;  // names of splits
  for (const auto& rule : middleware_.settings_.splits) {
    if (std::find(chosen.begin(), chosen.end(), rule.name) != chosen.end()) continue;
    if (!rule.conditions.hold({request_, environment()})) continue;
    look_for_robot();
    chosen.push_back(rule.name);
    const auto population = rule.choose(visitor_.chooser());
    is_split_ = true;
    environment().set(rule.variable, population);
    const auto program = rule.programs.find(population);
    if (program != rule.programs.end() && program_.empty()) program_ = program->second;
    if (request_.is_page()) middleware_.note(visitor_.show(rule.name, population));
  }
}

const http::Environment& Visit::tell() {
  auto& told = environment();
  if (std::exchange(is_told_, true)) return told;
  look_for_robot();
  const auto& settings = middleware_.settings_;
  told.set("MANHATTAN_VISITOR", visitor_.id());
  if (visitor_.chooser() != visitor_.id()) told.set("MANHATTAN_ROBOT", visitor_.chooser());
  told.set("MANHATTAN_SITE", std::to_string(visitor_.site()));
  if (request_.is_prefetch) told.set("MANHATTAN_PREFETCH", "1");
  if (settings.is_anonymized) told.set("MANHATTAN_ANONYMIZE", "1");
  told.set("MANHATTAN_RING", settings.ring);
  told.set("MANHATTAN_PATH", settings.path_prefix);
  return told;
}

std::optional<http::Pixel> Visit::rewrite(http::AnswerHead& head) {
  for (const auto& text : head.take("Manhattan-Split")) record_split(text);
  for (const auto& text : head.take("Manhattan-Goal")) record_goal(text);
  record_rules(head);
  const auto& settings = middleware_.settings_;
  if (is_split_ || visitor_.has_split()) http::keep_to_visitor(head);
  if (sets_cookie(head)) http::add_cookie(head, cookie());
  if (settings.pixel_path.empty() || is_nobody_) return {};
  const auto page = http::page_for_pixel(head, request_, settings.pixel_path);
  if (!page) return {};
  http::prepare_for_pixel(head);
  return http::Pixel{request_.is_prefetch ? tag_of_prefetch(head) : middleware_.pixel_tag_, *page};
}

/// Whether the page is ever shown, its pixel will tell, and bring along what is to be recorded.
std::string_view Visit::tag_of_prefetch(http::AnswerHead& head) {
  const auto records = visitor_.take_waiting(kMostTokenBytes);
  if (visitor_.has_waiting()) {
    middleware_.messages_.warning(
        "a page that is fetched ahead has more to record than fits into "
        "its pixel's address: " +
        request_.url.substr(0, 200));
  }
  if (records.empty()) return middleware_.pixel_tag_;
  http::keep_private(head);
  // Shown once: whoever asks whether the copy is still good gets another, and is recorded by that.
  head.remove("ETag");
  head.remove("Last-Modified");
  const auto token =
      visitor::make_token(middleware_.signer_, visitor_.id(), records, visitor_.timestamp());
  const auto address = middleware_.settings_.pixel_path + "?" + token;
  tag_ = request_.is_prerender ? http::activation_tag(address) : http::pixel_tag(address);
  return tag_;
}

std::string Visit::cookie() const {
  return http::cookie_to_set(middleware_.settings_.cookie_name,
                             middleware_.signer_.sign(visitor_.id()), request_.is_secure);
}

bool Visit::sets_cookie(const http::AnswerHead& head) const {
  if (!http::policy_of(request_.is_page(), head.status).may_set_cookie) return false;
  if (is_cookie_due_) return true;
  return is_known_ && middleware_.signer_.can_sign() &&
         !visitor::is_new(visitor_.id(), visitor_.timestamp()) && !http::invites_caches(head);
}

void Visit::record_rules(const http::AnswerHead& head) {
  const auto& goals = middleware_.settings_.goals;
  if (goals.empty() || !is_recorded()) return;
  const wrap::Facts facts{request_, environment(), &head};
  std::vector<std::string_view> reached;  // names of goals
  for (const auto& rule : goals) {
    if (std::find(reached.begin(), reached.end(), rule.name) != reached.end()) continue;
    if (!rule.holds(facts)) continue;
    reached.push_back(rule.name);
    middleware_.note(visitor_.goal(
        {.name = rule.name, .value = rule.value(facts), .type = rule.type, .format = rule.format}));
  }
}

void Visit::record_goal(const std::string& text) {
  const auto report = http::parse_goal(text);
  if (!report) return middleware_.messages_.warning("'Manhattan-Goal: " + text + "' is no goal");
  if (!is_recorded()) return;
  middleware_.note(visitor_.goal({.name = report->name,
                                  .value = report->value,
                                  .type = static_cast<ValueType>(report->type),
                                  .format = static_cast<ValueFormat>(report->format)}));
}

void Visit::record_split(const std::string& text) {
  const auto report = http::parse_split(text);
  if (!report) return middleware_.messages_.warning("'Manhattan-Split: " + text + "' is no split");
  is_split_ = true;
  if (!is_recorded()) return;
  middleware_.note(visitor().show(report->name, report->population));
}

}  // namespace manhattan
