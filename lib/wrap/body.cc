// SPDX-License-Identifier: MIT
#include "wrap/body.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/write.h"

namespace manhattan::wrap {
namespace {

constexpr std::size_t kPipeBytes = 64 * 1024;  // what Linux lets a pipe hold
constexpr std::uint64_t kMemoryBytes = 1024 * 1024;

/// Fills `buffer` from the client; less than all of it only at the body's end.
std::size_t fill(Client& client, std::span<char> buffer) {
  std::size_t total = 0;
  while (total < buffer.size()) {
    const auto got = client.read(buffer.subspan(total));
    if (got == 0) break;
    total += got;
  }
  return total;
}

/// A pipe with `bytes` in it; none where a pipe holds less than that, as past a user's limit.
base::UniqueFd make_pipe(std::string_view bytes) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return {};
  base::UniqueFd reading(ends[0]), writing(ends[1]);
  if (::write(ends[1], bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return {};
  ::fcntl(ends[0], F_SETFL, 0);  // the program expects to wait
  return reading;
}

base::UniqueFd make_memory() { return base::UniqueFd(::memfd_create("request-body", MFD_CLOEXEC)); }

base::UniqueFd make_file() {
  const char* folder = std::getenv("TMPDIR");
  base::UniqueFd file(
      ::open(folder ? folder : "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600));
  return file ? std::move(file) : make_memory();
}

}  // namespace

std::optional<Body> read_body(Client& client, std::uint64_t declared_bytes) {
  char small[4096];  // most requests have no body, most others a form of a few bytes
  std::size_t size = fill(client, small);
  if (size == 0) return Body{};
  std::vector<char> buffer(small, small + size);
  if (size == sizeof small) {
    buffer.resize(kPipeBytes + 1);
    size += fill(client, std::span(buffer).subspan(size));
  }
  if (size <= kPipeBytes) {
    if (auto pipe = make_pipe({buffer.data(), size})) return Body{std::move(pipe), size};
  }
  const bool is_small = declared_bytes > 0 && declared_bytes <= kMemoryBytes;
  Body body{is_small ? make_memory() : make_file(), 0};
  for (; size > 0; size = fill(client, buffer)) {
    if (!base::write_all(body.descriptor.get(), {buffer.data(), size})) return {};
    body.size_bytes += size;
  }
  if (::lseek(body.descriptor.get(), 0, SEEK_SET) != 0) return {};
  return body;
}

}  // namespace manhattan::wrap
