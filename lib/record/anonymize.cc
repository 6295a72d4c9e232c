// SPDX-License-Identifier: MIT
#include "record/anonymize.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "record/text_codec.h"

namespace manhattan::record {
namespace {

constexpr std::size_t kNetworkBytes4 = 3;
constexpr std::size_t kNetworkBytes6 = 6;
// ::ffff:0:0/96 holds IPv4 addresses.
constexpr std::size_t kMappedBytes = 12;

/// Headers in which proxies tell the client's address.
constexpr std::string_view kAddressHeaders[] = {
    "x-forwarded-for", "forwarded",        "x-real-ip", "x-client-ip",
    "true-client-ip",  "cf-connecting-ip", "client-ip", "via"};

template <std::size_t Size>
std::string masked(int family, std::array<unsigned char, Size> bytes, std::size_t kept) {
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(kept), bytes.end(), 0);
  char text[INET6_ADDRSTRLEN] = {};
  return ::inet_ntop(family, bytes.data(), text, sizeof text) ? text : "";
}

bool is_mapped(const std::array<unsigned char, 16>& bytes) noexcept {
  return std::all_of(bytes.begin(), bytes.begin() + 10, [](auto byte) { return byte == 0; }) &&
         bytes[10] == 0xff && bytes[11] == 0xff;
}

bool carries_address(std::string_view header) {
  const auto name = base::trim(header.substr(0, header.find(':')));
  return std::any_of(std::begin(kAddressHeaders), std::end(kAddressHeaders),
                     [&](auto known) { return base::equals_ignoring_case(name, known); });
}

}  // namespace

std::string masked_address(std::string_view address) {
  const std::string text(base::trim(address));
  std::array<unsigned char, 4> bytes4;
  if (::inet_pton(AF_INET, text.c_str(), bytes4.data()) == 1)
    return masked(AF_INET, bytes4, kNetworkBytes4);
  std::array<unsigned char, 16> bytes6;
  // A zone (fe80::1%eth0) says nothing beyond this machine.
  if (::inet_pton(AF_INET6, text.substr(0, text.find('%')).c_str(), bytes6.data()) != 1) return {};
  return masked(AF_INET6, bytes6,
                is_mapped(bytes6) ? kMappedBytes + kNetworkBytes4 : kNetworkBytes6);
}

void anonymize(Page& page, std::string& storage) {
  storage = masked_address(page.ip);
  const auto address_bytes = storage.size();
  for (const auto header : base::split(page.headers, '\n')) {
    if (header.empty() || carries_address(header)) continue;
    if (storage.size() > address_bytes) storage.push_back('\n');
    storage += header;
  }
  page.ip = std::string_view(storage).substr(0, address_bytes);
  page.headers = std::string_view(storage).substr(address_bytes);
}

void append_anonymized(std::string_view line, std::string& out) {
  Record record;
  std::string scratch, storage;
  const auto verdict = decode(line, scratch, record);
  auto* page = std::get_if<Page>(&record.event);
  if (verdict != Verdict::ok || page == nullptr) {
    out += line;
    return;
  }
  anonymize(*page, storage);
  encode(record, out);
}

}  // namespace manhattan::record
