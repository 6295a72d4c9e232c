// SPDX-License-Identifier: MIT
#pragma once

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
  /// The first secret signs, all verify. At least one, none empty: else ConfigError.
  explicit Signer(const std::vector<std::string>& secrets);
  Signer(Signer&&) noexcept;
  ~Signer();

  /// One secret a line, blank lines and `#` lines aside. ConfigError where the file can't be
  /// read, has none, or others than its owner and group may read it.
  static Signer from_file(const std::string& path);

  std::string sign(std::string_view visitor) const;

  /// A signature of `text` that is never a cookie's: 64 hexadecimal characters.
  std::string seal(std::string_view text) const;
  /// One of the secrets has made it. Takes the same time wherever a signature differs.
  bool is_seal(std::string_view text, std::string_view seal) const;

  struct Verified {
    std::string visitor;
    bool is_current;  ///< false: an older secret or the original's SHA-1; sign anew
  };
  /// The visitor of a cookie's value; nothing where no secret made it. Takes the same time
  /// wherever a signature differs.
  std::optional<Verified> verify(std::string_view value) const;

 private:
  struct Secret;

  std::vector<Secret> secrets_;
};

}  // namespace manhattan::visitor
