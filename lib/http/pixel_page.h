// SPDX-License-Identifier: MIT
// Which answers get a pixel.
#pragma once

#include <optional>
#include <string_view>

#include "http/answer_head.h"
#include "http/request.h"

namespace manhattan::http {

/// How a page is read that may get a pixel.
struct PixelPage {
  bool is_xml = false;          ///< XHTML, which browsers read as XML
  bool is_shown_alone = false;  ///< it is what the browser's window will show
};

/// A tag for a page.
struct Pixel {
  std::string_view tag;
  PixelPage page;
};

/// What the heads tell of an answer that a browser shows as a page: HTML or XHTML, whole and not
/// encoded, neither a redirection nor a download nor left to the web server (X-Sendfile); asked for
/// by no script; that nobody forbade to change (Cache-Control: no-transform), and whose
/// Content-Security-Policy allows the image at `path`. Nothing: the answer is none such, and stays
/// as it is.
std::optional<PixelPage> page_for_pixel(const AnswerHead& head, const Request& request,
                                        std::string_view path);

}  // namespace manhattan::http
