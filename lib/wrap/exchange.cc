// SPDX-License-Identifier: MIT
#include "wrap/exchange.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>

#include "http/form.h"
#include "http/rewrite.h"
#include "wrap/body.h"
#include "wrap/relay.h"
#include "wrap/upstream_relay.h"

namespace manhattan::wrap {
namespace {

std::uint64_t declared_length(const http::Environment& environment) {
  const auto text = environment.get("CONTENT_LENGTH");
  std::uint64_t length = 0;
  std::from_chars(text.data(), text.data() + text.size(), length);
  return length;
}

/// RFC 3875's variables as they are after we have read the body.
void describe_body(const Body& body, http::Environment& environment) {
  environment.remove("HTTP_TRANSFER_ENCODING");  // whatever it was, it is undone
  if (body.size_bytes > 0) {
    environment.set("CONTENT_LENGTH", std::to_string(body.size_bytes));
  } else if (environment.get("CONTENT_LENGTH") != "0") {
    environment.remove("CONTENT_LENGTH");
  }
}

/// Of a method that asks for nothing to be done (RFC 9110, 9.2.1); so does a request without one.
bool is_safe(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE" ||
         method.empty();
}

/// One request on its way through.
class Exchange {
 public:
  Exchange(Client& client, Workplace& workplace, const Middleware* middleware)
      : client_(client), workplace_(workplace), environment_(client.take_environment()) {
    // A web server that starts us as a CGI program could as well start anything else.
    if (client.is_fast_cgi()) workplace.passed.apply(environment_, workplace.messages);
    patience_.silence = workplace.silence_limit;
    patience_.outlasts_client = !is_safe(environment_.get("REQUEST_METHOD"));
    if (middleware && workplace.log)
      visit_.emplace(middleware->begin(environment_, *workplace.log));
  }

  Connection run();

 private:
  struct Pipes {
    base::UniqueFd output, program_output, errors, program_errors;
  };

  Connection refuse(const Refusal& refusal);
  Connection answer(std::string_view bytes);
  void open(const Body& body);
  AnswerStream make_stream();
  Delivery deliver(AnswerStream& stream);
  Connection conclude(Outcome outcome, const AnswerStream& stream, const std::string& name);

  Connection run_program(const Body& body);
  std::variant<Target, Refusal> target();
  static std::optional<Pipes> make_pipes();
  Launched launch(const Target& target, const Body& body, const Pipes& pipes);
  std::vector<std::string> search_words() const;
  Connection relay(const Target& target, Leftover program, base::UniqueFd output);

  Connection ask_upstream(const Body& body);
  Connection refuse_unreached(int why);

  /// `text` after the request it is about.
  std::string about(const std::string& text) const;
  void log(const std::string& text) { workplace_.messages.warning(about(text)); }

  Client& client_;
  Workplace& workplace_;
  http::Environment environment_;
  Patience patience_;
  std::optional<Visit> visit_;
};

Connection Exchange::run() {
  const auto declared = declared_length(environment_);
  const auto body = read_body(client_, declared);
  if (!body) {
    client_.skip_body();
    return refuse({"503 Service Unavailable", "no room for the request's body"});
  }
  if (body->size_bytes < declared || !client_.has_whole_body())
    return refuse({"400 Bad Request", "the body broke off"});
  if (visit_ && visit_->is_for_pixel()) return answer(visit_->answer_pixel());
  return workplace_.upstream ? ask_upstream(*body) : run_program(*body);
}

/// The request is going to be served: records it, and tells the program what it should know.
void Exchange::open(const Body& body) {
  describe_body(body, environment_);
  if (!environment_.has("GATEWAY_INTERFACE")) environment_.set("GATEWAY_INTERFACE", "CGI/1.1");
  // php-cgi takes it for the sign that a web server has chosen the script.
  if (!environment_.has("REDIRECT_STATUS")) environment_.set("REDIRECT_STATUS", "200");
  if (environment_.has("MANHATTAN_LOCATION")) environment_.remove("MANHATTAN_LOCATION");
  if (!visit_) return;
  visit_->open();
  visit_->tell();
}

AnswerStream Exchange::make_stream() {
  if (workplace_.time_limit.count() > 0)
    patience_.ends_at = Patience::Clock::now() + workplace_.time_limit;
  AnswerStream::Rewrite rewrite;
  if (visit_) rewrite = [this](http::AnswerHead& head) { return visit_->rewrite(head); };
  return {environment_.get("REQUEST_METHOD"), std::move(rewrite)};
}

Delivery Exchange::deliver(AnswerStream& stream) {
  const bool is_nginx = environment_.get("SERVER_SOFTWARE").starts_with("nginx");
  return {client_, stream, patience_, is_nginx ? Handing::buffered : Handing::at_once};
}

Connection Exchange::run_program(const Body& body) {
  auto found = target();
  if (const auto* refusal = std::get_if<Refusal>(&found)) return refuse(*refusal);
  auto& target = std::get<Target>(found);
  open(body);
  const char* path = std::getenv("PATH");
  if (!environment_.has("PATH")) environment_.set("PATH", path ? path : "/usr/bin:/bin");
  if (visit_ && !visit_->program().empty()) {
    replace_program(target, visit_->program(), environment_);
    if (const auto refusal = check_target(target)) return refuse(*refusal);
  }
  auto pipes = make_pipes();
  if (!pipes) return refuse({"503 Service Unavailable", "no descriptors left for a program"});
  auto launched = launch(target, body, *pipes);
  pipes->program_output.reset();
  pipes->program_errors.reset();
  if (!launched.child.is_running()) return refuse(refusal_of(target, launched.why));
  return relay(target,
               {std::move(launched.child), std::move(pipes->errors),
                ErrorLines(workplace_.messages, target.program)},
               std::move(pipes->output));
}

std::variant<Target, Refusal> Exchange::target() {
  if (!workplace_.fixed) return find_target(environment_, workplace_.roots);
  if (auto refusal = check_target(*workplace_.fixed)) return *refusal;
  // Who starts us as a plain CGI program has taken us for it, and split the path there.
  if (client_.is_fast_cgi()) {
    if (auto refusal = place_fixed_target(*workplace_.fixed, environment_)) return *refusal;
  }
  return Target{workplace_.fixed->program, workplace_.fixed->folder, workplace_.fixed->arguments};
}

std::optional<Exchange::Pipes> Exchange::make_pipes() {
  int output[2], errors[2];
  if (::pipe2(output, O_CLOEXEC) != 0) return {};
  Pipes pipes{base::UniqueFd(output[0]), base::UniqueFd(output[1]), {}, {}};
  if (::pipe2(errors, O_CLOEXEC) != 0) return {};
  pipes.errors.reset(errors[0]);
  pipes.program_errors.reset(errors[1]);
  return pipes;
}

Launched Exchange::launch(const Target& target, const Body& body, const Pipes& pipes) {
  std::vector<char*> arguments{const_cast<char*>(target.program.c_str())};
  auto words = search_words();
  for (const auto* source : {&target.arguments, &std::as_const(words)}) {
    for (const auto& word : *source) arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  const auto variables = environment_.block();
  Launch launch;
  launch.program = target.program.c_str();
  launch.arguments = arguments.data();
  launch.environment = variables.data();
  launch.folder = target.folder.c_str();
  launch.file = target.file.get();
  launch.in = body.descriptor ? body.descriptor.get() : workplace_.null_device.get();
  launch.out = pipes.program_output.get();
  launch.err = pipes.program_errors.get();
  launch.limits = workplace_.limits;
  return workplace_.spawner.launch(launch);
}

std::vector<std::string> Exchange::search_words() const {
  const auto method = environment_.get("REQUEST_METHOD");
  if (!workplace_.takes_search_words || (method != "GET" && method != "HEAD")) return {};
  return http::search_words(environment_.get("QUERY_STRING"));
}

Connection Exchange::relay(const Target& target, Leftover program, base::UniqueFd output) {
  auto stream = make_stream();
  auto delivery = deliver(stream);
  Relay relay(program, std::move(output), delivery, workplace_.buffer);
  const auto outcome = relay.run();
  if (relay.ending() && !relay.ending()->is_good()) {
    log(target.program + ": " + relay.ending()->to_string());
  }
  if (relay.ending()) program.lines.finish();
  if (program.child.is_running()) {
    const bool has_answered = outcome == Outcome::complete || outcome == Outcome::too_short ||
                              (outcome == Outcome::abandoned && patience_.outlasts_client);
    const bool is_welcome = has_answered && !relay.is_overdue();
    is_welcome ? workplace_.reaper.watch(std::move(program))
               : workplace_.reaper.end(std::move(program));
  }
  return conclude(outcome, stream, target.program);
}

Connection Exchange::ask_upstream(const Body& body) {
  const auto& upstream = *workplace_.upstream;
  open(body);
  if (visit_ && !visit_->program().empty()) {
    environment_.set("SCRIPT_FILENAME", visit_->program());
  }
  auto connection =
      upstream.connect([this] { return patience_.outlasts_client || !client_.is_aborted(); });
  if (!connection) return refuse_unreached(errno);
  const auto& name = upstream.name();
  ErrorLines errors(workplace_.messages, name);
  auto stream = make_stream();
  UpstreamRelay::Question question{{}, body, errors};
  append_question(environment_.block(), question.beginning);
  auto delivery = deliver(stream);
  UpstreamRelay relay(std::move(connection), std::move(question), delivery, workplace_.buffer);
  const auto outcome = relay.run();
  errors.finish();
  if (const auto remark = relay.remark(); !remark.empty()) log(name + ": " + remark);
  if (outcome == Outcome::refused && relay.had_no_room()) {
    return refuse({"503 Service Unavailable", name + ": it serves too many requests already"});
  }
  return conclude(outcome, stream, name);
}

Connection Exchange::refuse_unreached(int why) {
  if (why == ECANCELED) {
    client_.drop();
    return {};
  }
  const auto text = "cannot connect to '" + workplace_.upstream->name() +
                    "': " + std::generic_category().message(why);
  return refuse({why == ETIMEDOUT ? "504 Gateway Timeout" : "502 Bad Gateway", text});
}

Connection Exchange::conclude(Outcome outcome, const AnswerStream& stream,
                              const std::string& name) {
  for (const auto& remark : stream.remarks()) log(name + ": " + remark);
  switch (outcome) {
    case Outcome::complete:
      if (workplace_.messages.has_use_for(base::MessageLog::Level::info)) {
        workplace_.messages.info(about(std::to_string(stream.status())));
      }
      return client_.finish();
    case Outcome::refused:
      return refuse({"502 Bad Gateway", name + ": " + stream.refusal()});
    case Outcome::timed_out:
      if (!stream.has_begun()) return refuse({"504 Gateway Timeout", name + ": no answer in time"});
      log(name + (client_.is_aborted()    ? ": its client left, and it went on for too long"
                  : patience_.is_at_end() ? ": not over within the time limit, cut off"
                                          : ": silent for too long, cut off"));
      break;
    case Outcome::too_short:
      log(name + ": its answer is shorter than its Content-Length");
      // Apache holds a client of an answer that broke off until KeepAliveTimeout. It sends the true
      // length of one that ends.
      if (environment_.get("SERVER_SOFTWARE").starts_with("Apache")) return client_.finish();
      break;
    case Outcome::broken:
      log(name + ": its answer broke off");
      break;
    case Outcome::abandoned:
      // Mostly a visitor who went on, which is nothing to log.
      if (patience_.outlasts_client) log(name + ": its client left; it ran to its end");
      client_.drop();
      return {};
  }
  client_.abort();
  return {};
}

Connection Exchange::answer(std::string_view bytes) {
  if (client_.write(bytes)) return client_.finish();
  client_.drop();
  return {};
}

Connection Exchange::refuse(const Refusal& refusal) {
  log(std::string(refusal.status_text, 3) + ": " + refusal.why);
  const bool is_head = environment_.get("REQUEST_METHOD") == "HEAD";
  auto text = http::plain_answer(refusal.status_text);
  if (is_head) text.resize(text.find("\r\n\r\n") + 4);
  return answer(text);
}

std::string Exchange::about(const std::string& text) const {
  std::string line(environment_.get("REQUEST_METHOD"));
  const auto target = environment_.get("REQUEST_URI");
  return line.append(" ").append(target.substr(0, 200)).append(": ").append(text);
}

}  // namespace

Connection serve(Client& client, Workplace& workplace, const Middleware* middleware) {
  return Exchange(client, workplace, middleware).run();
}

Connection turn_away(Client& client, const char* status_text) {
  client.skip_body();
  if (client.write(http::plain_answer(status_text))) return client.finish();
  client.drop();
  return {};
}

}  // namespace manhattan::wrap
