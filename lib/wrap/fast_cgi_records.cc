// SPDX-License-Identifier: MIT
#include "wrap/fast_cgi_records.h"

#include <algorithm>
#include <cstring>

namespace manhattan::wrap {
namespace {

constexpr unsigned kRequest = 1;
constexpr std::size_t kEndBytes = 8;

/// Lengths under 128 take one byte, others four with the highest bit set.
void append_length(std::size_t length, std::string& out) {
  if (length < 128) {
    out += static_cast<char>(length);
    return;
  }
  out += static_cast<char>(length >> 24 | 0x80);
  for (const int shift : {16, 8, 0}) out += static_cast<char>(length >> shift);
}

void append_parameter(std::string_view variable, std::string& out) {
  const auto equals = variable.find('=');
  const auto value = variable.substr(equals + 1);
  append_length(equals, out);
  append_length(value.size(), out);
  out.append(variable.substr(0, equals)).append(value);
}

}  // namespace

void append_record(RecordType type, unsigned id, std::string_view content, std::string& out) {
  const char head[8] = {1,
                        static_cast<char>(type),
                        static_cast<char>(id >> 8),
                        static_cast<char>(id),
                        static_cast<char>(content.size() >> 8),
                        static_cast<char>(content.size()),
                        0,
                        0};
  out.append(head, sizeof head).append(content);
}

void set_content_length(std::size_t length, char* content) noexcept {
  auto* head = content - sizeof(RecordHead);
  head[offsetof(RecordHead, length_high)] = static_cast<char>(length >> 8);
  head[offsetof(RecordHead, length_low)] = static_cast<char>(length);
}

void append_end(unsigned id, ProtocolStatus status, std::string& out) {
  const char content[kEndBytes] = {0, 0, 0, 0, static_cast<char>(status)};
  append_record(RecordType::end_request, id, {content, sizeof content}, out);
}

void append_question(const std::vector<char*>& variables, std::string& out) {
  const char begin[8] = {0, 1};  // a responder, which closes the connection afterwards
  append_record(RecordType::begin_request, kRequest, {begin, sizeof begin}, out);
  std::string parameters;
  for (const char* variable : variables) {
    if (variable) append_parameter(variable, parameters);
  }
  for (std::string_view rest = parameters; !rest.empty();) {
    const auto piece = rest.substr(0, kMaxContentBytes);
    append_record(RecordType::parameters, kRequest, piece, out);
    rest.remove_prefix(piece.size());
  }
  append_record(RecordType::parameters, kRequest, "", out);
}

/// Collects a head, across calls. False: some of it is missing yet.
bool RecordCutter::take_head(std::string_view& bytes) {
  const auto piece = bytes.substr(0, sizeof head_ - collected_.size());
  collected_.append(piece);
  bytes.remove_prefix(piece.size());
  if (collected_.size() < sizeof head_) return false;
  std::memcpy(&head_, collected_.data(), sizeof head_);
  collected_.clear();
  content_bytes_ = head_.length();
  padding_bytes_ = head_.padding;
  return true;
}

/// What `bytes` have of the content; the padding behind it is skipped.
std::string_view RecordCutter::take_content(std::string_view& bytes) {
  const auto content = bytes.substr(0, content_bytes_);
  bytes.remove_prefix(content.size());
  content_bytes_ -= content.size();
  if (content_bytes_ > 0) return content;
  const auto padding = std::min(padding_bytes_, bytes.size());
  bytes.remove_prefix(padding);
  padding_bytes_ -= padding;
  return content;
}

std::optional<RecordCutter::Piece> RecordCutter::next(std::string_view& bytes) {
  while (!bytes.empty() && !is_damaged_) {
    if (!is_inside_) {
      if (!take_head(bytes)) break;
      is_damaged_ = head_.version != 1;
      if (is_damaged_) break;
    }
    const auto content = take_content(bytes);
    is_inside_ = content_bytes_ + padding_bytes_ > 0;
    if (!content.empty() || !is_inside_) return Piece{head_, content, !is_inside_};
  }
  return {};
}

AnswerRecords::Piece AnswerRecords::next(std::string_view& bytes) {
  while (const auto piece = cutter_.next(bytes)) {
    if (piece->head.id() != kRequest) continue;
    if (piece->type() == RecordType::end_request) {
      end_.append(piece->content);
      if (piece->is_last) return {end_.size() == kEndBytes ? Kind::end : Kind::damaged, {}};
    } else if (piece->type() == RecordType::output && !piece->content.empty()) {
      return {Kind::output, piece->content};
    } else if (piece->type() == RecordType::errors && !piece->content.empty()) {
      return {Kind::errors, piece->content};
    }
  }
  return {cutter_.is_damaged() ? Kind::damaged : Kind::nothing, {}};
}

int AnswerRecords::protocol_status() const noexcept { return static_cast<unsigned char>(end_[4]); }

unsigned AnswerRecords::exit_code() const noexcept {
  unsigned code = 0;
  for (int i = 0; i < 4; ++i) code = code << 8 | static_cast<unsigned char>(end_[i]);
  return code;
}

}  // namespace manhattan::wrap
