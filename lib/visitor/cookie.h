// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace manhattan::visitor {

/// Signs visitor ids for the cookie, and knows its own signatures again.
///
/// Threads: const use from any number.
/// Source:  `<vid>.<HMAC-SHA-256 in hex>`; `<vid>.<HMAC-SHA-1>` of the original is accepted.
class Signer {
 public:
  /// Shorter secrets can be guessed: one cookie is enough to try them all.
  static constexpr std::size_t kLeastBytes = 16;

  /// The first secret of `least_bytes` signs, all verify cookies. At least one, none empty: else
  /// ConfigError.
  explicit Signer(const std::vector<std::string>& secrets, std::size_t least_bytes = 1);
  Signer(Signer&&) noexcept;
  ~Signer();

  /// Of secrets of kLeastBytes. One a line, blank lines and `#` lines aside. ConfigError where the
  /// file can't be read, has none, or others than its owner and group may read it.
  static Signer from_file(const std::string& path);

  /// Else no secret is long enough: it knows cookies again, and makes none.
  bool can_sign() const noexcept { return signing_.has_value(); }
  /// Where can_sign().
  std::string sign(std::string_view visitor) const;

  /// A signature of `text` that is never a cookie's: 64 hexadecimal characters. Where no secret is
  /// long enough it is by a random one, and good for as long as this object lives.
  std::string seal(std::string_view text) const;
  /// A secret that is long enough has made it. Takes the same time wherever a signature differs.
  bool is_seal(std::string_view text, std::string_view seal) const;

  struct Verified {
    std::string visitor;
    bool is_current;  ///< false: by another secret than signs now, or the original's SHA-1
  };
  /// The visitor of a cookie's value; nothing where no secret made it. Takes the same time
  /// wherever a signature differs.
  std::optional<Verified> verify(std::string_view value) const;

 private:
  struct Secret;

  const Secret& sealing() const noexcept;

  std::vector<Secret> secrets_;
  std::optional<std::size_t> signing_;  ///< of secrets_
  std::unique_ptr<Secret> random_;      ///< where none signs
};

}  // namespace manhattan::visitor
