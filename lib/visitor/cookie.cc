// SPDX-License-Identifier: MIT
#include "visitor/cookie.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"

namespace manhattan::visitor {
namespace {

constexpr std::size_t kSha1HexChars = 40;
constexpr std::size_t kIdBytes = 20;

struct Free {
  void operator()(EVP_MD* digest) const noexcept { ::EVP_MD_free(digest); }
  void operator()(EVP_MD_CTX* context) const noexcept { ::EVP_MD_CTX_free(context); }
};
using Digest = std::unique_ptr<EVP_MD, Free>;

// Fetched once: HMAC() looks its digest up by name at every call, which costs more than the digest.
const EVP_MD* sha1() {
  static const Digest digest(::EVP_MD_fetch(nullptr, "SHA1", nullptr));
  return digest.get();
}

const EVP_MD* sha256() {
  static const Digest digest(::EVP_MD_fetch(nullptr, "SHA256", nullptr));
  return digest.get();
}

/// A digest as it comes, without an allocation.
struct Hash {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;

  std::string_view view() const noexcept { return {reinterpret_cast<const char*>(bytes), size}; }
};

/// The digest of `a` and then `b`.
Hash hash(const EVP_MD* digest, std::string_view a, std::string_view b) {
  thread_local const std::unique_ptr<EVP_MD_CTX, Free> context(::EVP_MD_CTX_new());
  Hash result;
  if (!digest || !context || ::EVP_DigestInit_ex(context.get(), digest, nullptr) != 1 ||
      ::EVP_DigestUpdate(context.get(), a.data(), a.size()) != 1 ||
      ::EVP_DigestUpdate(context.get(), b.data(), b.size()) != 1 ||
      ::EVP_DigestFinal_ex(context.get(), result.bytes, &result.size) != 1) {
    throw Error("cannot compute a signature");
  }
  return result;
}

/// Source: RFC 2104; both digests work on blocks of 64 bytes.
std::string hmac_hex(const EVP_MD* digest, std::string_view secret, std::string_view text) {
  std::array<char, 64> inner{}, outer{};
  Hash short_secret;
  if (secret.size() > inner.size()) {
    short_secret = hash(digest, secret, "");
    secret = short_secret.view();
  }
  std::copy(secret.begin(), secret.end(), inner.begin());
  outer = inner;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  const auto within = hash(digest, {inner.data(), inner.size()}, text);
  return base::to_hex(hash(digest, {outer.data(), outer.size()}, within.view()).view());
}

/// What the original signs with a secret. Source: its signer, by its vectors.
std::string original_signature(std::string_view secret, std::string_view visitor) {
  return hmac_hex(sha1(), hash(sha1(), "manhattan.signer.", secret).view(), visitor);
}

bool is_same(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

Signer::Signer(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {
  if (secrets_.empty()) throw ConfigError("no secret to sign cookies with");
  for (const auto& secret : secrets_) {
    if (secret.empty()) throw ConfigError("an empty secret signs nothing");
  }
}

Signer Signer::from_file(const std::string& path) {
  std::vector<std::string> secrets;
  const auto text = base::read_secret(path);
  for (const auto line : base::split(text, '\n')) {
    const auto secret = base::trim(line);
    if (!secret.empty() && !secret.starts_with('#')) secrets.emplace_back(secret);
  }
  if (secrets.empty()) throw ConfigError("no secret in '" + path + "'");
  return Signer(std::move(secrets));
}

std::string Signer::sign(std::string_view visitor) const {
  return std::string(visitor) + "." + hmac_hex(sha256(), secrets_.front(), visitor);
}

std::optional<Signer::Verified> Signer::verify(std::string_view value) const {
  const auto dot = value.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto visitor = value.substr(0, dot);
  const auto signature = value.substr(dot + 1);
  const bool is_originals = signature.size() == kSha1HexChars;
  for (const auto& secret : secrets_) {
    const auto due =
        is_originals ? original_signature(secret, visitor) : hmac_hex(sha256(), secret, visitor);
    if (!is_same(due, signature)) continue;
    const bool is_current = &secret == &secrets_.front() && !is_originals;
    return Verified{std::string(visitor), is_current};
  }
  return std::nullopt;
}

std::string new_visitor_id() {
  char random[kIdBytes];
  // Not OpenSSL's generator, which is itself fed from here and takes ten times as long.
  if (::getrandom(random, sizeof random, 0) != sizeof random) {
    throw Error("the system has no randomness to give");
  }
  return base::to_hex({random, sizeof random});
}

}  // namespace manhattan::visitor
