// SPDX-License-Identifier: MIT
#include "log/inflater.h"

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace manhattan::log {
namespace {

/// What the file holds, piece by piece.
class Input {
 public:
  Input(base::UniqueFd fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)), bytes_(kInputBytes) {}

  std::string_view rest() const noexcept { return {bytes_.data() + begin_, end_ - begin_}; }
  void pop(std::size_t size) noexcept { begin_ += size; }
  /// Once the rest is used up; false at the end of the file.
  bool refill() {
    ssize_t size = 0;
    do {
      size = ::read(fd_.get(), bytes_.data(), bytes_.size());
    } while (size < 0 && errno == EINTR);
    if (size < 0) throw IoError("read", path_, last_error());
    begin_ = 0;
    end_ = static_cast<std::size_t>(size);
    return size > 0;
  }
  const std::string& path() const noexcept { return path_; }

 private:
  static constexpr std::size_t kInputBytes = 1 << 17;
  base::UniqueFd fd_;
  std::string path_;
  std::vector<char> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw DamageError("cannot decompress '" + path + "': " + why);
}

}  // namespace

class Inflater::Gzip {
 public:
  Gzip(base::UniqueFd fd, std::string path) : input_(std::move(fd), std::move(path)) {
    if (::inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) throw std::bad_alloc();
  }
  ~Gzip() { ::inflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  std::size_t read(std::span<char> into) {
    stream_.next_out = reinterpret_cast<Bytef*>(into.data());
    stream_.avail_out = static_cast<uInt>(into.size());
    while (stream_.avail_out > 0 && why_.empty()) {
      if (input_.rest().empty() && !input_.refill()) {
        if (!is_inside_member_) break;
        why_ = "it ends early";
      } else if (is_inside_member_ || begin_member()) {
        inflate();
      }
    }
    const auto size = into.size() - stream_.avail_out;
    if (size == 0 && !into.empty() && !why_.empty()) fail(input_.path(), why_);
    return size;
  }

 private:
  bool begin_member() {
    const auto rest = input_.rest();
    if (has_member_ && rest.front() == '\0') {
      const auto zeros = std::min(rest.find_first_not_of('\0'), rest.size());
      has_zeros_ = true;
      input_.pop(zeros);
      return false;
    }
    if (has_zeros_) why_ = kTrailer;
    is_inside_member_ = why_.empty();
    return is_inside_member_;
  }

  void inflate() {
    const auto rest = input_.rest();
    // zlib's interface knows no const; it does not write there.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
    stream_.avail_in = static_cast<uInt>(rest.size());
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    input_.pop(rest.size() - stream_.avail_in);
    if (result == Z_STREAM_END) {
      has_member_ = true;
      is_inside_member_ = false;
      ::inflateReset(&stream_);
    } else if (result == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      const std::string why = stream_.msg == nullptr ? "damaged" : stream_.msg;
      const bool is_no_member = why == "incorrect header check";
      why_ = !is_no_member ? why : has_member_ ? kTrailer : "not in gzip format";
    }
  }

  static constexpr const char* kTrailer = "what follows its last member is not of it";
  Input input_;
  z_stream stream_{};
  bool has_member_ = false;  ///< a whole one
  bool is_inside_member_ = false;
  bool has_zeros_ = false;  ///< behind the last member
  std::string why_;         ///< it goes no further
};

class Inflater::Zstd {
 public:
  Zstd(base::UniqueFd fd, std::string path)
      : input_(std::move(fd), std::move(path)), stream_(::ZSTD_createDStream()) {
    if (!stream_) throw std::bad_alloc();
    wanted_bytes_ = ::ZSTD_initDStream(stream_.get());
  }

  std::size_t read(std::span<char> into) {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos < out.size && why_.empty()) {
      // No more than the decoder asks for, a block mostly: of a call that fails the decoder does
      // not say what it has written, so none may begin with bytes that are good.
      const auto rest = input_.rest();
      ZSTD_inBuffer in{rest.data(), std::min(rest.size(), wanted_bytes_), 0};
      const auto before = out.pos;
      // Also without input: the decoder may hold back what found no room last time.
      const auto result = ::ZSTD_decompressStream(stream_.get(), &out, &in);
      if (::ZSTD_isError(result) != 0) {
        why_ = ::ZSTD_getErrorName(result);
      } else if (!rest.empty() || out.pos > before) {
        input_.pop(in.pos);
        is_inside_frame_ = result != 0;
        wanted_bytes_ = std::max<std::size_t>(result, 1);
      } else if (!input_.refill()) {
        if (!is_inside_frame_) break;
        why_ = "it ends in the middle of a frame";
      }
    }
    if (out.pos == 0 && !into.empty() && !why_.empty()) fail(input_.path(), why_);
    return out.pos;
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const noexcept { ::ZSTD_freeDStream(stream); }
  };
  Input input_;
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  std::size_t wanted_bytes_ = 0;
  bool is_inside_frame_ = false;
  std::string why_;  ///< it goes no further
};

Inflater::Inflater(Format format, base::UniqueFd fd, std::string path) {
  if (format == Format::gzip) {
    gzip_ = std::make_unique<Gzip>(std::move(fd), std::move(path));
  } else {
    zstd_ = std::make_unique<Zstd>(std::move(fd), std::move(path));
  }
}
Inflater::~Inflater() = default;
Inflater::Inflater(Inflater&&) noexcept = default;
Inflater& Inflater::operator=(Inflater&&) noexcept = default;

std::size_t Inflater::read(std::span<char> into) {
  return gzip_ ? gzip_->read(into) : zstd_->read(into);
}

}  // namespace manhattan::log
