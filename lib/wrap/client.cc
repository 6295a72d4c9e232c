// SPDX-License-Identifier: MIT
#include "wrap/client.h"

#include <fcgiapp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/write.h"

namespace manhattan::wrap {
namespace {

constexpr int kAbortRequest = 2;  // FastCGI specification, section 8

}  // namespace

struct Client::FastCgi {
  FCGX_Request request{};
  bool is_open = false;
};

void Client::initialize() {
  ::FCGX_Init();
  // libfcgi takes these over where they are left to themselves; we read them by signalfd.
  ::signal(SIGTERM, SIG_DFL);
  ::signal(SIGUSR1, SIG_DFL);
  ::signal(SIGPIPE, SIG_IGN);
}

Client::Client(base::UniqueFd connection) : fast_cgi_(std::make_unique<FastCgi>()) {
  auto& request = fast_cgi_->request;
  ::FCGX_InitRequest(&request, -1, 0);
  request.ipcFd = connection.release();
  request.keepConnection = 1;  // else FCGX_Accept_r closes what it is given
  request.detached = 1;        // else closing waits two seconds for the server to close first
  fast_cgi_->is_open = ::FCGX_Accept_r(&request) == 0;
  if (!fast_cgi_->is_open && request.ipcFd >= 0) base::UniqueFd(request.ipcFd).reset();
}

Client::Client() = default;
Client::Client(Client&&) noexcept = default;
Client Client::plain_cgi() { return {}; }

Client::~Client() {
  if (is_open() && !is_done_) abort();
}

bool Client::is_open() const noexcept { return !fast_cgi_ || fast_cgi_->is_open; }

http::Environment Client::environment() const {
  http::Environment environment;
  char** variable = fast_cgi_ ? fast_cgi_->request.envp : ::environ;
  for (; variable && *variable; ++variable) environment.add(*variable);
  return environment;
}

std::size_t Client::read(std::span<char> into) {
  if (fast_cgi_) {
    const int got =
        ::FCGX_GetStr(into.data(), static_cast<int>(into.size()), fast_cgi_->request.in);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  ssize_t got = 0;
  do {
    got = ::read(STDIN_FILENO, into.data(), into.size());
  } while (got < 0 && errno == EINTR);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

bool Client::write(std::string_view bytes) {
  if (!fast_cgi_) return base::write_all(STDOUT_FILENO, bytes);
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, 1 << 20);  // libfcgi counts in int
    const int written =
        ::FCGX_PutStr(piece.data(), static_cast<int>(piece.size()), fast_cgi_->request.out);
    if (written != static_cast<int>(piece.size())) return false;
    bytes.remove_prefix(piece.size());
  }
  return true;
}

bool Client::flush() { return !fast_cgi_ || ::FCGX_FFlush(fast_cgi_->request.out) == 0; }

int Client::watched() const noexcept { return fast_cgi_ ? fast_cgi_->request.ipcFd : -1; }

bool Client::is_aborted() const noexcept {
  unsigned char header[8];
  const auto got = ::recv(watched(), header, sizeof header, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0) return errno != EAGAIN && errno != EINTR;
  return got == 0 || (got == sizeof header && header[1] == kAbortRequest);
}

base::UniqueFd Client::finish() {
  is_done_ = true;
  if (!fast_cgi_) return {};
  ::FCGX_Finish_r(&fast_cgi_->request);
  fast_cgi_->is_open = false;
  return base::UniqueFd(fast_cgi_->request.ipcFd);
}

void Client::abort() {
  is_done_ = true;
  if (!fast_cgi_) return;
  fast_cgi_->is_open = false;
  // Without buffering nginx takes a mere close for a good end. A record of version 0 is an error to
  // it, so that its client, too, sees the answer break off.
  const char nonsense[8] = {};
  ::send(fast_cgi_->request.ipcFd, nonsense, sizeof nonsense, MSG_NOSIGNAL | MSG_DONTWAIT);
  ::FCGX_Free(&fast_cgi_->request, 1);
}

}  // namespace manhattan::wrap
