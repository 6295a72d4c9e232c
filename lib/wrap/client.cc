// SPDX-License-Identifier: MIT
#include "wrap/client.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/write.h"
#include "wrap/answer_writer.h"

namespace manhattan::wrap {

struct Client::FastCgi {
  explicit FastCgi(Connection connection)
      : in(std::move(connection)), out(in.socket(), in.id()), is_open(has_begun()) {}

  bool has_begun() const noexcept {
    return in.state() == RequestReader::State::body || in.state() == RequestReader::State::complete;
  }

  RequestReader in;
  AnswerWriter out;
  bool is_open;
};

Client::Client(Connection connection)
    : fast_cgi_(std::make_unique<FastCgi>(std::move(connection))) {}

Client::Client() = default;
Client::Client(Client&&) noexcept = default;
Client Client::plain_cgi() { return {}; }

Client::~Client() {
  if (is_open() && !is_done_) abort();
}

bool Client::is_open() const noexcept { return !fast_cgi_ || fast_cgi_->is_open; }

Connection Client::take_idle() {
  if (fast_cgi_->in.state() != RequestReader::State::idle) return {};
  return fast_cgi_->in.release();
}

bool Client::is_too_large() const noexcept { return fast_cgi_ && fast_cgi_->in.is_too_large(); }

http::Environment Client::take_environment() {
  if (fast_cgi_) return fast_cgi_->in.take_environment();
  http::Environment environment;
  for (char** variable = ::environ; *variable; ++variable) environment.add(*variable);
  return environment;
}

std::size_t Client::read(std::span<char> into) {
  if (fast_cgi_) return fast_cgi_->in.read(into);
  ssize_t got = 0;
  do {
    got = ::read(STDIN_FILENO, into.data(), into.size());
  } while (got < 0 && errno == EINTR);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

void Client::skip_body() {
  std::array<char, 4096> ignored;
  while (read(ignored) > 0) {
  }
}

bool Client::has_whole_body() const noexcept { return !fast_cgi_ || fast_cgi_->in.is_whole(); }

bool Client::write(std::string_view bytes) {
  return fast_cgi_ ? fast_cgi_->out.write(bytes) : base::write_all(STDOUT_FILENO, bytes);
}

bool Client::flush() { return !fast_cgi_ || fast_cgi_->out.flush(); }

int Client::watched() const noexcept { return fast_cgi_ ? fast_cgi_->in.socket() : -1; }

bool Client::is_aborted() const noexcept { return fast_cgi_ && fast_cgi_->in.is_aborted(); }

Connection Client::finish() {
  is_done_ = true;
  if (!fast_cgi_) return {};
  fast_cgi_->is_open = false;
  auto connection = fast_cgi_->in.release();
  const bool is_kept = fast_cgi_->out.finish() && fast_cgi_->in.is_to_be_kept() &&
                       fast_cgi_->in.state() == RequestReader::State::complete;
  return is_kept ? std::move(connection) : Connection{};
}

void Client::abort() {
  if (fast_cgi_) fast_cgi_->out.break_off();
  drop();
}

void Client::drop() {
  is_done_ = true;
  if (!fast_cgi_) return;
  fast_cgi_->is_open = false;
  fast_cgi_->in.release();
}

}  // namespace manhattan::wrap
