// SPDX-License-Identifier: MIT
#include "visitor/cookie.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"

namespace manhattan::visitor {
namespace {

constexpr std::size_t kSha1HexChars = 40;
constexpr std::size_t kIdBytes = 20;

std::string hmac_hex(const EVP_MD* digest, std::string_view secret, std::string_view text) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (HMAC(digest, secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac,
           &size) == nullptr) {
    throw Error("cannot compute a signature");
  }
  return base::to_hex({reinterpret_cast<const char*>(mac), size});
}

bool is_same(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void require_private(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    throw ConfigError(IoError("open", path, last_error()).what());
  if ((status.st_mode & S_IRWXO) != 0) {
    throw ConfigError("'" + path + "' can be read by everyone: chmod o= it");
  }
}

}  // namespace

Signer::Signer(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {
  if (secrets_.empty()) throw ConfigError("no secret to sign cookies with");
  for (const auto& secret : secrets_) {
    if (secret.empty()) throw ConfigError("an empty secret signs nothing");
  }
}

Signer Signer::from_file(const std::string& path) {
  require_private(path);
  std::string text;
  try {
    text = base::read_file(path);
  } catch (const IoError& error) {
    throw ConfigError(error.what());
  }
  std::vector<std::string> secrets;
  for (const auto line : base::split(text, '\n')) {
    const auto secret = base::trim(line);
    if (!secret.empty() && !secret.starts_with('#')) secrets.emplace_back(secret);
  }
  if (secrets.empty()) throw ConfigError("no secret in '" + path + "'");
  return Signer(std::move(secrets));
}

std::string Signer::sign(std::string_view visitor) const {
  return std::string(visitor) + "." + hmac_hex(EVP_sha256(), secrets_.front(), visitor);
}

std::optional<Signer::Verified> Signer::verify(std::string_view value) const {
  const auto dot = value.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto visitor = value.substr(0, dot);
  const auto signature = value.substr(dot + 1);
  const auto* digest = signature.size() == kSha1HexChars ? EVP_sha1() : EVP_sha256();
  for (const auto& secret : secrets_) {
    if (!is_same(hmac_hex(digest, secret, visitor), signature)) continue;
    const bool is_current = &secret == &secrets_.front() && digest == EVP_sha256();
    return Verified{std::string(visitor), is_current};
  }
  return std::nullopt;
}

std::string new_visitor_id() {
  unsigned char random[kIdBytes];
  if (RAND_bytes(random, sizeof random) != 1) throw Error("the system has no randomness to give");
  return base::to_hex({reinterpret_cast<const char*>(random), sizeof random});
}

}  // namespace manhattan::visitor
