// SPDX-License-Identifier: MIT
#include "wrap/answer_writer.h"

#include <sys/socket.h>

#include <cerrno>

#include "wrap/fast_cgi_records.h"

namespace manhattan::wrap {
namespace {

constexpr std::size_t kSendBytes = 32 * 1024;
constexpr std::size_t kMostlyEnough = 4096;  // bytes of an answer

}  // namespace

bool AnswerWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (content_at_ == 0) {
      if (unsent_.empty()) unsent_.reserve(kMostlyEnough);
      append_record(RecordType::output, id_, {}, unsent_);
      content_at_ = unsent_.size();
    }
    const auto piece = bytes.substr(0, kMaxContentBytes - (unsent_.size() - content_at_));
    unsent_.append(piece);
    bytes.remove_prefix(piece.size());
    if (unsent_.size() >= kSendBytes && !flush()) return false;
  }
  return true;
}

/// Its head gets the length that the content has come to.
void AnswerWriter::close_record() noexcept {
  if (content_at_ == 0) return;
  set_content_length(unsent_.size() - content_at_, unsent_.data() + content_at_);
  content_at_ = 0;
}

bool AnswerWriter::flush() {
  close_record();
  for (std::string_view rest = unsent_; !rest.empty();) {
    const auto sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  unsent_.clear();
  return true;
}

bool AnswerWriter::finish() {
  close_record();
  append_record(RecordType::output, id_, {}, unsent_);
  append_end(id_, kRequestComplete, unsent_);
  return flush();
}

}  // namespace manhattan::wrap
