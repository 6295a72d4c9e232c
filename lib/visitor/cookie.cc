// SPDX-License-Identifier: MIT
#include "visitor/cookie.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "visitor/hmac.h"
#include "visitor/visitor_id.h"

namespace manhattan::visitor {
namespace {

constexpr std::size_t kSha1HexChars = 40;

}  // namespace

/// What signs with one secret: our cookies, what is no cookie, and the original's cookies.
/// Source: the original's signer, by its vectors.
struct Signer::Secret {
  Secret(const std::string& text, bool is_long_)
      : is_long(is_long_),
        current(text),
        sealing("manhattan.seal." + text),
        original(Sha1().add("manhattan.signer.").add(text).end().view()) {}

  bool is_long;
  Hmac<Sha256> current;
  Hmac<Sha256> sealing;
  Hmac<Sha1> original;
};

Signer::Signer(const std::vector<std::string>& secrets, std::size_t least_bytes) {
  if (secrets.empty()) throw ConfigError("no secret to sign cookies with");
  for (const auto& secret : secrets) {
    if (secret.empty()) throw ConfigError("an empty secret signs nothing");
    const bool is_long = secret.size() >= least_bytes;
    if (is_long && !signing_) signing_ = secrets_.size();
    secrets_.emplace_back(secret, is_long);
  }
  if (!signing_) random_ = std::make_unique<Secret>(new_visitor_id() + new_visitor_id(), true);
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
  return Signer(secrets, kLeastBytes);
}

std::string Signer::sign(std::string_view visitor) const {
  const auto signature = secrets_[*signing_].current.sign(visitor).hex();
  std::string value;
  value.reserve(visitor.size() + 1 + signature.view().size());
  return value.append(visitor).append(".").append(signature.view());
}

const Signer::Secret& Signer::sealing() const noexcept {
  return signing_ ? secrets_[*signing_] : *random_;
}

std::string Signer::seal(std::string_view text) const {
  return std::string(sealing().sealing.sign(text).hex().view());
}

bool Signer::is_seal(std::string_view text, std::string_view seal) const {
  const auto has_made_it = [&](const Secret& secret) {
    return secret.is_long && is_same(secret.sealing.sign(text).hex().view(), seal);
  };
  return (random_ && has_made_it(*random_)) || std::ranges::any_of(secrets_, has_made_it);
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
    const bool is_current = signing_ && &secret == &secrets_[*signing_] && !is_originals;
    return Verified{std::string(visitor), is_current};
  }
  return std::nullopt;
}

}  // namespace manhattan::visitor
