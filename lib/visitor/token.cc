// SPDX-License-Identifier: MIT
#include "visitor/token.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>

namespace manhattan::visitor {
namespace {

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string to_base64url(std::string_view text) {
  std::string encoded((text.size() + 2) / 3 * 4 + 1, '\0');
  const int size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                     bytes_of(text), static_cast<int>(text.size()));
  encoded.resize(static_cast<std::size_t>(size));
  encoded.erase(std::min(encoded.find('='), encoded.size()));
  std::replace(encoded.begin(), encoded.end(), '+', '-');
  std::replace(encoded.begin(), encoded.end(), '/', '_');
  return encoded;
}

std::optional<std::string> from_base64url(std::string encoded) {
  std::replace(encoded.begin(), encoded.end(), '-', '+');
  std::replace(encoded.begin(), encoded.end(), '_', '/');
  const auto padding = (4 - encoded.size() % 4) % 4;
  encoded.append(padding, '=');
  std::string text(encoded.size() / 4 * 3, '\0');
  const int size = ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     bytes_of(encoded), static_cast<int>(encoded.size()));
  if (size < 0 || padding > 2) return {};
  text.resize(static_cast<std::size_t>(size) - padding);
  return text;
}

std::string sealed_text(std::string_view visitor, std::string_view body) {
  return std::string("token ").append(visitor).append(" ").append(body);
}

std::int64_t seconds_of(UnixNanos at) noexcept {
  return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
}

}  // namespace

std::string make_token(const Signer& signer, std::string_view visitor, std::string_view text,
                       UnixNanos now) {
  auto token = std::to_string(seconds_of(now + kTokenLife));
  token.append(".").append(to_base64url(text));
  const auto seal = signer.seal(sealed_text(visitor, token));
  return token.append(".").append(seal);
}

std::optional<std::string> read_token(const Signer& signer, std::string_view visitor,
                                      std::string_view token, UnixNanos now) {
  const auto first = token.find('.'), last = token.rfind('.');
  if (first == token.npos || first == last) return {};
  const auto body = token.substr(0, last);
  if (!signer.is_seal(sealed_text(visitor, body), token.substr(last + 1))) return {};
  std::int64_t end = 0;
  std::from_chars(token.data(), token.data() + first, end);
  if (end < seconds_of(now)) return {};
  return from_base64url(std::string(body.substr(first + 1)));
}

}  // namespace manhattan::visitor
