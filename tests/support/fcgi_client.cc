// SPDX-License-Identifier: MIT
#include "tests/support/fcgi_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>

#include "base/text.h"

namespace manhattan::test {
namespace {

enum { kBegin = 1, kEnd = 3, kParams = 4, kStdin = 5, kStdout = 6 };

std::string length_of(std::size_t size) {
  if (size < 128) return {static_cast<char>(size)};
  const auto byte = [&](int shift) { return static_cast<char>(size >> shift); };
  return {static_cast<char>(byte(24) | 0x80), byte(16), byte(8), byte(0)};
}

}  // namespace

int FcgiAnswer::status() const {
  if (out.find("\r\n\r\n") == out.npos) return 0;
  const auto text = header("Status");
  return text.empty() ? 200 : std::atoi(text.c_str());
}

std::string FcgiAnswer::header(std::string_view name) const {
  std::string found;
  const auto text = head();
  for (const auto line : base::split(text, '\n')) {
    const auto colon = line.find(':');
    if (colon == line.npos || !base::equals_ignoring_case(line.substr(0, colon), name)) continue;
    found.append(found.empty() ? "" : "\n").append(base::trim(line.substr(colon + 1)));
  }
  return found;
}

FcgiClient::FcgiClient(const std::string& socket_path)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::copy(socket_path.begin(), socket_path.end(), name.sun_path);
  const timeval limit{20, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) {
    throw std::runtime_error("cannot connect to " + socket_path);
  }
}

void FcgiClient::begin(Connection connection, int role, int id) {
  const char content[8] = {0, static_cast<char>(role), connection == Connection::keep};
  record(kBegin, {content, sizeof content}, id);
}

void FcgiClient::parameters(const FcgiParameters& parameters, int id) {
  std::string content;
  for (const auto& [name, value] : parameters) {
    content += length_of(name.size()) + length_of(value.size()) + name + value;
  }
  for (std::size_t at = 0; at < content.size(); at += 65'000) {
    record(kParams, std::string_view(content).substr(at, 65'000), id);
  }
  record(kParams, "", id);
}

void FcgiClient::body(std::string_view bytes, int id) {
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, 65'535);
    record(kStdin, piece, id);
    bytes.remove_prefix(piece.size());
  }
  record(kStdin, "", id);
}

void FcgiClient::record(int type, std::string_view content, int id) {
  const auto size = content.size();
  const char head[8] = {1,
                        static_cast<char>(type),
                        static_cast<char>(id >> 8),
                        static_cast<char>(id),
                        static_cast<char>(size >> 8),
                        static_cast<char>(size),
                        0,
                        0};
  raw(std::string(head, sizeof head).append(content));
}

void FcgiClient::send_held() {
  is_holding_ = false;
  raw(std::exchange(held_, {}));
}

void FcgiClient::raw(std::string_view bytes) {
  if (is_holding_) {
    held_.append(bytes);
    return;
  }
  while (!bytes.empty()) {
    const auto sent =
        ::send(socket_.get(), bytes.data(), std::min(piece_bytes_, bytes.size()), MSG_NOSIGNAL);
    if (sent <= 0) throw std::runtime_error("cannot send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void FcgiClient::end_sending() { ::shutdown(socket_.get(), SHUT_WR); }

bool FcgiClient::read_exactly(char* into, std::size_t size) {
  while (size > 0) {
    const auto got = ::recv(socket_.get(), into, size, 0);
    if (got < 0 && errno == EAGAIN) throw std::runtime_error("no answer in 20 seconds");
    if (got <= 0) return false;
    into += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

std::string FcgiClient::next_record(int& type) {
  unsigned char head[8];
  type = 0;
  if (!read_exactly(reinterpret_cast<char*>(head), sizeof head)) return {};
  std::string content(head[4] * 256U + head[5] + head[6], '\0');
  if (!read_exactly(content.data(), content.size())) return {};
  type = head[1];
  content.resize(content.size() - head[6]);
  return content;
}

FcgiAnswer FcgiClient::answer() { return answer_until({}); }

FcgiAnswer FcgiClient::answer_until(std::string_view mark) {
  FcgiAnswer answer;
  for (;;) {
    int type = 0;
    const auto content = next_record(type);
    if (type == kStdout) answer.out += content;
    if (type == 0) answer.is_closed = true;
    if (type == kEnd) {
      answer.is_ended = true;
      answer.protocol_status = content.size() > 4 ? content[4] : -1;
    }
    if (answer.is_closed || answer.is_ended) return answer;
    if (!mark.empty() && answer.out.find(mark) != std::string::npos) return answer;
  }
}

}  // namespace manhattan::test
