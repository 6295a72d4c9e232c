// SPDX-License-Identifier: MIT
// The part of FastCGI that belongs to no request (specification, section 4).
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "wrap/client.h"

namespace manhattan::wrap {
namespace {

enum : unsigned char { kGetValues = 9, kGetValuesResult = 10, kUnknownType = 11 };

struct Head {
  unsigned char version, type, id_high, id_low, length_high, length_low, padding, reserved;

  std::size_t length() const noexcept { return length_high * 256U + length_low; }
};
static_assert(sizeof(Head) == 8);

bool receive_all(int connection, void* into, std::size_t size) {
  return ::recv(connection, into, size, MSG_WAITALL) == static_cast<ssize_t>(size);
}

std::string record(unsigned char type, std::string_view content) {
  const auto size = static_cast<std::uint16_t>(content.size());
  const char head[8] = {1,
                        static_cast<char>(type),
                        0,
                        0,
                        static_cast<char>(size >> 8),
                        static_cast<char>(size & 255),
                        0,
                        0};
  return std::string(head, sizeof head).append(content);
}

/// The names asked for that we know, with their values; lengths under 128 take one byte each.
std::string values_for(std::string_view question) {
  std::string answer;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (question.find(name) == question.npos) return;
    answer += static_cast<char>(name.size());
    answer += static_cast<char>(value.size());
    answer.append(name).append(value);
  };
  add("FCGI_MAX_CONNS", "1024");
  add("FCGI_MAX_REQS", "1024");
  add("FCGI_MPXS_CONNS", "0");
  return answer;
}

}  // namespace

bool answer_management(int connection) {
  Head head;
  if (::recv(connection, &head, sizeof head, MSG_PEEK) != sizeof head) return false;
  const bool is_management = head.version == 1 && head.id_high == 0 && head.id_low == 0;
  if (!is_management) return false;
  std::string content(head.length() + head.padding, '\0');
  if (!receive_all(connection, &head, sizeof head)) return false;
  if (!receive_all(connection, content.data(), content.size())) return false;
  content.resize(head.length());
  const char unknown[8] = {static_cast<char>(head.type)};
  const auto answer = head.type == kGetValues ? record(kGetValuesResult, values_for(content))
                                              : record(kUnknownType, {unknown, sizeof unknown});
  return ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(answer.size());
}

}  // namespace manhattan::wrap
