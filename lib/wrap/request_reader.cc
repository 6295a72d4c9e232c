// SPDX-License-Identifier: MIT
#include "wrap/request_reader.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

namespace manhattan::wrap {
namespace {

// More than any web server sends: Apache takes 100 headers of 8 KiB, the others less.
constexpr std::size_t kMaxParameterBytes = 1024 * 1024;
constexpr std::size_t kMaxParameters = 1000;
// Beyond these a peer is not even told.
constexpr std::size_t kMaxPassedOver = 32 * 1024 * 1024;
constexpr std::size_t kBeginBytes = 8;
constexpr unsigned kResponder = 1, kKeepFlag = 1;

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

unsigned char_at(std::string_view bytes, std::size_t index) noexcept {
  return static_cast<unsigned char>(bytes[index]);
}

/// One byte, or four where the first has its highest bit set; `bytes` then start after it.
std::optional<std::size_t> take_length(std::string_view& bytes) noexcept {
  if (bytes.empty()) return {};
  std::size_t length = char_at(bytes, 0);
  std::size_t size = 1;
  if (length >= 128) {
    size = 4;
    if (bytes.size() < size) return {};
    length &= 127;
    for (std::size_t i = 1; i < size; ++i) length = length << 8 | char_at(bytes, i);
  }
  bytes.remove_prefix(size);
  return length;
}

enum class Parameters { sound, too_many, damaged };

Parameters add_parameters(std::string_view bytes, http::Environment& environment) {
  for (std::size_t count = 0; !bytes.empty(); ++count) {
    if (count == kMaxParameters) return Parameters::too_many;
    const auto name = take_length(bytes);
    const auto value = take_length(bytes);
    if (!name || !value || *name + *value > bytes.size()) return Parameters::damaged;
    environment.add(bytes.substr(0, *name), bytes.substr(*name, *value));
    bytes.remove_prefix(*name + *value);
  }
  return Parameters::sound;
}

}  // namespace

RequestReader::RequestReader(Connection connection) : connection_(std::move(connection)) {
  if (connection_.ahead.empty()) {
    if (!fill()) return;
  } else {
    const auto end = std::copy(connection_.ahead.begin(), connection_.ahead.end(), buffer_.begin());
    rest_ = {buffer_.begin(), end};
    connection_.ahead.clear();
  }
  do {
    while (state_ == State::idle || state_ == State::parameters) {
      const auto piece = connection_.cutter.next(rest_);
      if (!piece) break;
      take(*piece);
    }
    if (connection_.cutter.is_damaged()) state_ = State::broken;
  } while (state_ == State::parameters && fill());
}

bool RequestReader::fill() {
  ssize_t got = 0;
  do {
    got = ::recv(socket(), buffer_.data(), buffer_.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) state_ = State::broken;
  rest_ = {buffer_.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
  return got > 0;
}

void RequestReader::take(const RecordCutter::Piece& piece) {
  const auto id = piece.head.id();
  if (id == 0 || piece.type() == RecordType::begin_request) {
    connection_.control.append(piece.content);
    if (!piece.is_last) return;
    const auto content = std::exchange(connection_.control, {});
    return id == 0 ? manage(piece.type(), content) : begin(id, content);
  }
  // Another's, such as the rest of a request that was refused.
  if (id != id_ || state_ == State::idle) return;
  if (state_ == State::parameters && piece.type() == RecordType::parameters) {
    take_parameters(piece);
  } else if (state_ == State::body && piece.type() == RecordType::input) {
    body_ = piece.content;
    if (piece.head.length() == 0 && piece.is_last) state_ = State::complete;
  } else {
    state_ = State::broken;  // FCGI_ABORT_REQUEST, too: nothing of it has run yet
  }
}

void RequestReader::begin(unsigned id, std::string_view content) {
  connection_.is_new = false;
  if (content.size() != kBeginBytes) {
    state_ = State::broken;
    return;
  }
  const auto role = char_at(content, 0) << 8 | char_at(content, 1);
  const bool is_beside = state_ != State::idle;
  if (is_beside || role != kResponder) {
    std::string refusal;
    append_end(id, is_beside ? kCantMultiplex : kUnknownRole, refusal);
    return send(refusal);
  }
  id_ = id;
  is_to_be_kept_ = char_at(content, 2) & kKeepFlag;
  state_ = State::parameters;
}

void RequestReader::take_parameters(const RecordCutter::Piece& piece) {
  parameter_bytes_ += piece.content.size();
  is_too_large_ = parameter_bytes_ > kMaxParameterBytes;
  if (!is_too_large_) parameters_.append(piece.content);
  if (parameter_bytes_ > kMaxPassedOver) {
    state_ = State::broken;
  } else if (piece.head.length() == 0 && piece.is_last) {
    const auto found =
        is_too_large_ ? Parameters::too_many : add_parameters(parameters_, environment_);
    is_too_large_ = found == Parameters::too_many;
    state_ = found == Parameters::damaged ? State::broken : State::body;
  }
}

void RequestReader::manage(RecordType type, std::string_view content) {
  std::string answer;
  if (type == RecordType::get_values) {
    append_record(RecordType::get_values_result, 0, values_for(content), answer);
  } else if (type == RecordType::begin_request) {
    state_ = State::broken;
  } else {
    const char unknown[8] = {static_cast<char>(type)};
    append_record(RecordType::unknown_type, 0, {unknown, sizeof unknown}, answer);
  }
  send(answer);
}

void RequestReader::send(std::string_view bytes) {
  const auto sent = ::send(socket(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(bytes.size())) state_ = State::broken;
}

std::size_t RequestReader::read(std::span<char> into) {
  while (state_ == State::body && body_.empty()) {
    if (const auto piece = connection_.cutter.next(rest_)) {
      take(*piece);
    } else if (connection_.cutter.is_damaged()) {
      state_ = State::broken;
    } else {
      fill();
    }
  }
  const auto size = std::min(into.size(), body_.size());
  std::copy_n(body_.begin(), size, into.begin());
  body_.remove_prefix(size);
  return size;
}

bool RequestReader::is_abort(std::string_view bytes) const noexcept {
  RecordHead head;
  if (bytes.size() < sizeof head) return false;
  std::memcpy(&head, bytes.data(), sizeof head);
  return static_cast<RecordType>(head.type) == RecordType::abort_request && head.id() == id_;
}

bool RequestReader::is_aborted() const noexcept {
  if (is_abort(rest_)) return true;
  char head[sizeof(RecordHead)];
  const auto got = ::recv(socket(), head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0) return errno != EAGAIN && errno != EINTR;
  return got == 0 || (rest_.empty() && is_abort({head, static_cast<std::size_t>(got)}));
}

Connection RequestReader::release() {
  connection_.ahead.assign(rest_);
  rest_ = {};
  return std::move(connection_);
}

}  // namespace manhattan::wrap
