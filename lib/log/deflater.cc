// SPDX-License-Identifier: MIT
#include "log/deflater.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <vector>

#include "base/error.h"

namespace manhattan::log {
namespace {

// Logs are written once and kept for long, by a thread that has time.
constexpr int kZstdLevel = 6;
constexpr std::size_t kOutBytes = 1 << 17;
constexpr int kGzipWindow = MAX_WBITS + 16;  // with gzip's head and checksum
constexpr int kGzipMemory = 9;

// A skippable frame of RFC 8878: its magic, its length, and for us "MTHPLAIN" and two numbers, all
// least significant byte first.
constexpr std::uint32_t kSkippableMagic = 0x184d2a50;
constexpr std::string_view kMark = "MTHPLAIN";
constexpr ssize_t kTrailerBytes = 32;

void append_number(std::uint64_t number, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(number >> (8 * i)));
}

std::uint64_t number_at(std::string_view bytes, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = 8; i-- > 0;)
    number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

std::string trailer(std::uint64_t plain_bytes, std::uint64_t stored_bytes) {
  std::string frame;
  append_number(kSkippableMagic, 4, frame);
  append_number(kTrailerBytes - 8, 4, frame);
  frame += kMark;
  append_number(plain_bytes, 8, frame);
  append_number(stored_bytes, 8, frame);
  return frame;
}

}  // namespace

class Deflater::Gzip {
 public:
  Gzip(base::Files& files, int fd, std::string path)
      : files_(files), fd_(fd), path_(std::move(path)), out_(kOutBytes) {
    if (::deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, kGzipMemory,
                       Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~Gzip() { ::deflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  void write(std::string_view bytes, int mode) {
    // zlib's interface knows no const; it does not write there.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      ::deflate(&stream_, mode);  // can't fail: there is room, and its state is whole
      files_.write_all(fd_, {out_.data(), out_.size() - stream_.avail_out}, path_);
    } while (stream_.avail_out == 0);
  }

 private:
  base::Files& files_;
  const int fd_;
  const std::string path_;
  z_stream stream_{};
  std::vector<char> out_;
};

class Deflater::Zstd {
 public:
  Zstd(base::Files& files, int fd, std::string path)
      : files_(files),
        fd_(fd),
        path_(std::move(path)),
        stream_(::ZSTD_createCCtx()),
        out_(::ZSTD_CStreamOutSize()) {
    if (!stream_) throw std::bad_alloc();
    set(ZSTD_c_compressionLevel, kZstdLevel);
    set(ZSTD_c_checksumFlag, 1);
  }

  void write(std::string_view bytes, ZSTD_EndDirective mode) {
    plain_bytes_ += bytes.size();
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (std::size_t rest = 1; rest > 0;) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      rest = ::ZSTD_compressStream2(stream_.get(), &out, &in, mode);
      if (::ZSTD_isError(rest) != 0)  // out of memory: any bytes can be compressed
        throw IoError("compress", path_, std::make_error_code(std::errc::not_enough_memory));
      files_.write_all(fd_, {out_.data(), out.pos}, path_);
      stored_bytes_ += out.pos;
      if (mode == ZSTD_e_continue) rest = in.size - in.pos;
    }
  }

  void finish() {
    write({}, ZSTD_e_end);
    files_.write_all(fd_, trailer(plain_bytes_, stored_bytes_), path_);
  }

 private:
  void set(ZSTD_cParameter parameter, int value) {
    ::ZSTD_CCtx_setParameter(stream_.get(), parameter, value);
  }

  struct Free {
    void operator()(ZSTD_CCtx* stream) const noexcept { ::ZSTD_freeCCtx(stream); }
  };
  base::Files& files_;
  const int fd_;
  const std::string path_;
  std::unique_ptr<ZSTD_CCtx, Free> stream_;
  std::vector<char> out_;
  std::uint64_t plain_bytes_ = 0;
  std::uint64_t stored_bytes_ = 0;
};

Deflater::Deflater(Inflater::Format format, base::Files& files, int fd, std::string path) {
  if (format == Inflater::Format::gzip) {
    gzip_ = std::make_unique<Gzip>(files, fd, std::move(path));
  } else {
    zstd_ = std::make_unique<Zstd>(files, fd, std::move(path));
  }
}
Deflater::~Deflater() = default;

void Deflater::write(std::string_view bytes) {
  gzip_ ? gzip_->write(bytes, Z_NO_FLUSH) : zstd_->write(bytes, ZSTD_e_continue);
}

void Deflater::finish() { gzip_ ? gzip_->write({}, Z_FINISH) : zstd_->finish(); }

std::optional<std::uint64_t> said_size(int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw IoError("stat", path, last_error());
  const auto size = static_cast<std::uint64_t>(status.st_size);
  std::string end(kTrailerBytes, '\0');
  if (size < end.size() ||
      ::pread(fd, end.data(), end.size(), static_cast<off_t>(size - end.size())) != kTrailerBytes)
    return std::nullopt;
  const auto plain_bytes = number_at(end, kTrailerBytes - 16);
  // With other files in front or behind it would be another size.
  if (end != trailer(plain_bytes, size - kTrailerBytes)) return std::nullopt;
  return plain_bytes;
}

}  // namespace manhattan::log
