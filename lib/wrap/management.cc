// SPDX-License-Identifier: MIT
// The part of FastCGI that belongs to no request (specification, section 4).
#include <sys/socket.h>

#include <string>
#include <string_view>

#include "wrap/client.h"
#include "wrap/fast_cgi_records.h"

namespace manhattan::wrap {
namespace {

bool receive_all(int connection, void* into, std::size_t size) {
  return ::recv(connection, into, size, MSG_WAITALL) == static_cast<ssize_t>(size);
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
  RecordHead head;
  if (::recv(connection, &head, sizeof head, MSG_PEEK) != sizeof head) return false;
  if (head.version != 1 || head.id() != 0) return false;
  std::string content(head.length() + head.padding, '\0');
  if (!receive_all(connection, &head, sizeof head)) return false;
  if (!receive_all(connection, content.data(), content.size())) return false;
  content.resize(head.length());
  std::string answer;
  if (static_cast<RecordType>(head.type) == RecordType::get_values) {
    append_record(RecordType::get_values_result, 0, values_for(content), answer);
  } else {
    const char unknown[8] = {static_cast<char>(head.type)};
    append_record(RecordType::unknown_type, 0, {unknown, sizeof unknown}, answer);
  }
  return ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(answer.size());
}

}  // namespace manhattan::wrap
