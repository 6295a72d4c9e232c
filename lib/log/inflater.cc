// SPDX-License-Identifier: MIT
#include "log/inflater.h"

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/error.h"

namespace manhattan::log {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw DamageError("cannot decompress '" + path + "': " + why);
}

}  // namespace

class Inflater::Gzip {
 public:
  Gzip(base::UniqueFd fd, std::string path) : path_(std::move(path)) {
    file_.reset(::gzdopen(fd.get(), "rb"));
    if (!file_) throw IoError("open", path_, last_error());
    fd.release();  // gzclose closes it
    ::gzbuffer(file_.get(), 1 << 17);
  }

  std::size_t read(std::span<char> into) {
    const int size = ::gzread(file_.get(), into.data(), static_cast<unsigned>(into.size()));
    int error = Z_OK;
    const char* why = ::gzerror(file_.get(), &error);
    if (error == Z_ERRNO) throw IoError("read", path_, last_error());
    // gzread decompresses ahead: it says that a file ends early while it still gives what it has.
    const bool ends_early = error == Z_BUF_ERROR && static_cast<std::size_t>(size) < into.size();
    if (size < 0 || ends_early) fail(path_, why);
    // gzread passes on what is not compressed; by its name this file is.
    if (size > 0 && ::gzdirect(file_.get()) != 0) fail(path_, "not in gzip format");
    return static_cast<std::size_t>(size);
  }

 private:
  struct Close {
    void operator()(gzFile_s* file) const noexcept { ::gzclose(file); }
  };
  std::string path_;
  std::unique_ptr<gzFile_s, Close> file_;
};

class Inflater::Zstd {
 public:
  Zstd(base::UniqueFd fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)), stream_(::ZSTD_createDStream()) {
    if (!stream_) throw std::bad_alloc();
    input_.resize(::ZSTD_DStreamInSize());
  }

  std::size_t read(std::span<char> into) {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos < out.size) {
      const auto before = out.pos;
      const bool has_input = in_.pos < in_.size;
      // Also without new input: the decoder may hold back what found no room last time.
      const auto result = ::ZSTD_decompressStream(stream_.get(), &out, &in_);
      if (::ZSTD_isError(result) != 0) fail(path_, ::ZSTD_getErrorName(result));
      if (has_input || out.pos > before) {
        is_inside_frame_ = result != 0;
      } else if (!refill()) {
        if (is_inside_frame_) fail(path_, "it ends in the middle of a frame");
        break;
      }
    }
    return out.pos;
  }

 private:
  bool refill() {
    ssize_t size = 0;
    do {
      size = ::read(fd_.get(), input_.data(), input_.size());
    } while (size < 0 && errno == EINTR);
    if (size < 0) throw IoError("read", path_, last_error());
    in_ = {input_.data(), static_cast<std::size_t>(size), 0};
    return size > 0;
  }

  struct Free {
    void operator()(ZSTD_DStream* stream) const noexcept { ::ZSTD_freeDStream(stream); }
  };
  base::UniqueFd fd_;
  std::string path_;
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  std::vector<char> input_;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  bool is_inside_frame_ = false;
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
