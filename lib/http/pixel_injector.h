// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <variant>

#include "http/html_scanner.h"
#include "http/pixel_page.h"
#include "http/sink.h"
#include "http/xhtml_scanner.h"

namespace manhattan::http {

/// Puts a tag into the body of a page that streams through, wherever it is cut: before the first
/// `</body>` or `</html>` that is one, else at the end of a page that is HTML.
///
/// Holds back the beginning of what may become such an end tag, a few bytes; the rest passes at
/// once. A page that has no place for the tag passes as it is.
class PixelInjector {
 public:
  /// The bytes of `pixel`'s tag must outlive this.
  explicit PixelInjector(const Pixel& pixel);

  /// Passes on to `out` what can be.
  void feed(std::string_view bytes, Sink& out);
  /// The page is whole: passes on the rest, and the tag where it belongs. At most once.
  void finish(Sink& out);
  /// The page is cut short: passes on the rest as it is.
  void abandon(Sink& out);

 private:
  std::string_view tag_;
  std::variant<HtmlScanner, XhtmlScanner> scanner_;
  std::array<char, HtmlScanner::kMaxUndecidedBytes> held_;
  std::size_t held_bytes_ = 0;
  bool is_done_ = false;  ///< the tag has its place, or will have none
};

/// `<img ...>` that fetches the pixel at `path`, escaped for an attribute: well-formed XML, too. No
/// browser shows it, no style sheet of the page moves anything by it, and it has no style that a
/// Content-Security-Policy might refuse.
std::string pixel_tag(std::string_view path);

/// `<audio ...>` that fetches the pixel at `path`, likewise, not before its page is shown: Chromium
/// loads pictures while it renders a page ahead, but sounds only once it is looked at. It has no
/// size and no sound.
std::string activation_tag(std::string_view path);

}  // namespace manhattan::http
