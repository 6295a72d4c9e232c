// SPDX-License-Identifier: MIT
#include "http/trusted_proxies.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/text.h"

namespace manhattan::http {
namespace {

constexpr std::string_view kLocal = "unix:";

struct Parsed {
  std::array<unsigned char, 16> bytes{};
  bool is_v4 = false;
};

std::optional<Parsed> parse_address(std::string_view text) noexcept {
  char buffer[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof buffer) return {};
  std::copy(text.begin(), text.end(), buffer);
  Parsed parsed;
  if (::inet_pton(AF_INET6, buffer, parsed.bytes.data()) == 1) return parsed;
  parsed.bytes[10] = parsed.bytes[11] = 0xff;
  parsed.is_v4 = true;
  if (::inet_pton(AF_INET, buffer, parsed.bytes.data() + 12) == 1) return parsed;
  return {};
}

bool is_within(const std::array<unsigned char, 16>& address,
               const std::array<unsigned char, 16>& network, int prefix_bits) noexcept {
  for (int bit = 0; bit < prefix_bits; bit += 8) {
    const int bits = std::min(8, prefix_bits - bit);
    const auto mask = static_cast<unsigned char>(0xff << (8 - bits));
    const auto i = static_cast<std::size_t>(bit / 8);
    if ((address[i] ^ network[i]) & mask) return false;
  }
  return true;
}

/// `[::1]:80` and `1.2.3.4:80` without brackets and port, as some proxies write them.
std::string_view bare(std::string_view hop) noexcept {
  hop = base::trim(hop);
  if (hop.starts_with('[')) return hop.substr(1, hop.find(']') - 1);
  if (std::count(hop.begin(), hop.end(), ':') == 1) return hop.substr(0, hop.find(':'));
  return hop;
}

}  // namespace

TrustedProxies::TrustedProxies(const std::vector<std::string>& networks) {
  for (const auto& text : networks) {
    if (text == kLocal) {
      is_local_trusted_ = true;
      continue;
    }
    const auto slash = text.find('/');
    const auto address = parse_address(std::string_view(text).substr(0, slash));
    int bits = address && address->is_v4 ? 32 : 128;
    const int most_bits = bits;
    if (address && slash != text.npos) {
      const char* end = text.data() + text.size();
      const auto read = std::from_chars(text.data() + slash + 1, end, bits);
      if (read.ec != std::errc{} || read.ptr != end) bits = -1;
    }
    if (!address || bits < 0 || bits > most_bits) {
      throw ConfigError("'" + text + "' is no address, network or unix:");
    }
    networks_.push_back({address->bytes, address->is_v4 ? bits + 96 : bits});
  }
}

bool TrustedProxies::is_trusted(std::string_view address) const noexcept {
  if (address.empty() || address == kLocal) return is_local_trusted_;
  const auto parsed = parse_address(address);
  return parsed && std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
           return is_within(parsed->bytes, network.address, network.prefix_bits);
         });
}

std::string_view TrustedProxies::client_of(std::string_view peer,
                                           std::string_view forwarded_for) const noexcept {
  auto client = peer;
  while (!forwarded_for.empty() && is_trusted(client)) {
    const auto comma = forwarded_for.rfind(',');
    const auto hop =
        bare(comma == forwarded_for.npos ? forwarded_for : forwarded_for.substr(comma + 1));
    if (!parse_address(hop)) break;  // "unknown", or nonsense: nothing before it can be believed
    client = hop;
    forwarded_for =
        comma == forwarded_for.npos ? std::string_view{} : forwarded_for.substr(0, comma);
  }
  return client;
}

}  // namespace manhattan::http
