// SPDX-License-Identifier: MIT
#include "visitor/cookie.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "visitor/hmac.h"

namespace manhattan::visitor {
namespace {

constexpr std::size_t kSha1HexChars = 40;

}  // namespace

/// What signs with one secret: our cookies, what is no cookie, and the original's cookies.
/// Source: the original's signer, by its vectors.
struct Signer::Secret {
  explicit Secret(const std::string& text)
      : current(text),
        sealing("manhattan.seal." + text),
        original(Sha1().add("manhattan.signer.").add(text).end().view()) {}

  Hmac<Sha256> current;
  Hmac<Sha256> sealing;
  Hmac<Sha1> original;
};

Signer::Signer(const std::vector<std::string>& secrets) {
  if (secrets.empty()) throw ConfigError("no secret to sign cookies with");
  for (const auto& secret : secrets) {
    if (secret.empty()) throw ConfigError("an empty secret signs nothing");
    secrets_.emplace_back(secret);
  }
}

Signer::Signer(Signer&&) noexcept = default;
Signer::~Signer() = default;

Signer Signer::from_file(const std::string& path) {
  std::vector<std::string> secrets;
  const auto text = base::read_secret(path);
  for (const auto line : base::split(text, '\n')) {
    const auto secret = base::trim(line);
    if (!secret.empty() && !secret.starts_with('#')) secrets.emplace_back(secret);
  }
  if (secrets.empty()) throw ConfigError("no secret in '" + path + "'");
  return Signer(secrets);
}

std::string Signer::sign(std::string_view visitor) const {
  const auto signature = secrets_.front().current.sign(visitor).hex();
  std::string value;
  value.reserve(visitor.size() + 1 + signature.view().size());
  return value.append(visitor).append(".").append(signature.view());
}

std::string Signer::seal(std::string_view text) const {
  return std::string(secrets_.front().sealing.sign(text).hex().view());
}

bool Signer::is_seal(std::string_view text, std::string_view seal) const {
  return std::any_of(secrets_.begin(), secrets_.end(), [&](const Secret& secret) {
    return is_same(secret.sealing.sign(text).hex().view(), seal);
  });
}

std::optional<Signer::Verified> Signer::verify(std::string_view value) const {
  // Not rfind(), which looks at every byte by itself.
  const auto* const dot = static_cast<const char*>(::memrchr(value.data(), '.', value.size()));
  if (dot == nullptr) return std::nullopt;
  const auto visitor = value.substr(0, static_cast<std::size_t>(dot - value.data()));
  const auto signature = value.substr(visitor.size() + 1);
  const bool is_originals = signature.size() == kSha1HexChars;
  const auto is_signed_by = [&](const auto& hmac) {
    return is_same(hmac.sign(visitor).hex().view(), signature);
  };
  for (const auto& secret : secrets_) {
    if (!(is_originals ? is_signed_by(secret.original) : is_signed_by(secret.current))) continue;
    const bool is_current = &secret == &secrets_.front() && !is_originals;
    return Verified{std::string(visitor), is_current};
  }
  return std::nullopt;
}

}  // namespace manhattan::visitor
