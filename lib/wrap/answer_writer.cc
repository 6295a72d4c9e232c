// SPDX-License-Identifier: MIT
#include "wrap/answer_writer.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "wrap/fast_cgi_records.h"

namespace manhattan::wrap {
namespace {

constexpr std::size_t kSendBytes = 32 * 1024;
constexpr std::size_t kMostlyEnough = 4096;  // bytes of an answer
// More than web servers have in one buffer of an answer.
constexpr std::size_t kFillBytes = 256 * 1024;
// Of TCP only the server's kernel tells that it has the bytes. The server reads them soon after.
constexpr int kTcpPauseMs = 200;

/// Records of standard error without content: they say nothing, and have to be read.
void append_filler(unsigned id, std::string& out) {
  std::string record;
  append_record(RecordType::errors, id, {}, record);
  constexpr std::size_t kPaddingBytes = 255;
  record[offsetof(RecordHead, padding)] = static_cast<char>(kPaddingBytes);
  record.append(kPaddingBytes, '\0');
  for (std::size_t size = 0; size < kFillBytes; size += record.size()) out.append(record);
}

bool is_gone(int socket, int within_ms) noexcept {
  pollfd polled{socket, POLLRDHUP, 0};
  return ::poll(&polled, 1, within_ms) > 0;
}

/// Waits until the other side has read what was sent, or is gone, for `at_most`.
void wait_until_read(int socket, std::chrono::nanoseconds at_most) noexcept {
  const auto end = std::chrono::steady_clock::now() + at_most;
  int unread = 0, family = 0;
  socklen_t size = sizeof family;
  // Nothing tells of the moment itself.
  for (int pause_us = 50; ::ioctl(socket, SIOCOUTQ, &unread) == 0 && unread > 0;
       pause_us = std::min(2 * pause_us, 10'000)) {
    if (is_gone(socket, 0) || std::chrono::steady_clock::now() >= end) return;
    ::usleep(static_cast<useconds_t>(pause_us));
  }
  ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size);
  if (family != AF_UNIX) is_gone(socket, kTcpPauseMs);
}

}  // namespace

bool AnswerWriter::write(std::string_view bytes) {
  has_begun_ = true;
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

// A close alone is a good end to nginx that does not buffer, or does not keep its connections. And
// where it reads the error together with bytes of the answer, or still has some in a buffer that is
// not full, it throws those away.
void AnswerWriter::break_off() {
  close_record();
  if (has_begun_) {
    append_filler(id_, unsent_);
    if (!flush()) return;
    wait_until_read(socket_, kTakeLimit);
  }
  constexpr char kNoRecord[sizeof(RecordHead)] = {};  // its version is 0
  ::send(socket_, kNoRecord, sizeof kNoRecord, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace manhattan::wrap
