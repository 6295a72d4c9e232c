// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "http/sink.h"

namespace manhattan::http {

/// Puts a tag before the last `</body>` of a page that streams through, wherever it is cut.
///
/// Holds back what follows a `</body>` until the next one or the end. A page that goes on for more
/// than kMaxHeldBytes after one had it in a script or a comment: it is passed on, without the tag.
class PixelInjector {
 public:
  static constexpr std::size_t kMaxHeldBytes = 64 * 1024;

  /// `tag` must outlive this.
  explicit PixelInjector(std::string_view tag) : tag_(tag) {}

  /// Passes on to `out` what can be.
  void feed(std::string_view bytes, Sink& out);
  /// The page is whole: passes on the rest, and the tag where it belongs. At most once.
  void finish(Sink& out);
  /// The page is cut short: passes on the rest as it is.
  void abandon(Sink& out);

 private:
  std::string_view tag_;
  std::string held_;           ///< starts with a `</body>`, or with what may become one
  bool has_body_end_ = false;  ///< held_ starts with a whole `</body>`
  std::size_t scanned_ = 0;    ///< bytes of held_ in which no further `</body>` starts
};

/// `<img ...>` that fetches the pixel at `path`, escaped for an attribute.
std::string pixel_tag(std::string_view path);

}  // namespace manhattan::http
