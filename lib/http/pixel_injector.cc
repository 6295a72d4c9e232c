// SPDX-License-Identifier: MIT
#include "http/pixel_injector.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace manhattan::http {
namespace {

void write(std::string_view bytes, Sink& out) {
  if (!bytes.empty()) out.write(bytes);
}

}  // namespace

PixelInjector::PixelInjector(const Pixel& pixel)
    : tag_(pixel.tag), scanner_(std::in_place_type<HtmlScanner>, pixel.page.is_shown_alone) {
  if (pixel.page.is_xml) scanner_.emplace<XhtmlScanner>();
}

void PixelInjector::feed(std::string_view bytes, Sink& out) {
  if (is_done_) return write(bytes, out);
  std::visit(
      [&](auto& scanner) {
        const auto place = scanner.find_place(bytes);
        is_done_ = place || scanner.is_hopeless();
        // What was undecided goes on in all of `bytes`, or is decided.
        const auto undecided = is_done_ ? 0 : scanner.undecided_bytes();
        if (place && *place < 0) out.write(tag_);
        if (undecided <= bytes.size()) {
          write({held_.data(), std::exchange(held_bytes_, 0)}, out);
        }
        auto rest = bytes;
        if (place && *place >= 0) {
          write(rest.substr(0, static_cast<std::size_t>(*place)), out);
          out.write(tag_);
          rest.remove_prefix(static_cast<std::size_t>(*place));
        }
        const auto kept = rest.substr(rest.size() - std::min(undecided, rest.size()));
        write(rest.substr(0, rest.size() - kept.size()), out);
        assert(held_bytes_ + kept.size() <= held_.size());
        std::copy(kept.begin(), kept.end(), held_.begin() + held_bytes_);
        held_bytes_ += kept.size();
      },
      scanner_);
}

void PixelInjector::finish(Sink& out) {
  const auto takes_end = [](const auto& scanner) { return scanner.takes_end(); };
  if (!is_done_ && std::visit(takes_end, scanner_)) out.write(tag_);
  abandon(out);
}

void PixelInjector::abandon(Sink& out) {
  write({held_.data(), std::exchange(held_bytes_, 0)}, out);
  is_done_ = true;
}

namespace {

std::string escape_attribute(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"')
      escaped += "&quot;";
    else if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else
      escaped += c;
  }
  return escaped;
}

}  // namespace

std::string pixel_tag(std::string_view path) {
  // `hidden` takes it out of the layout. Where a style sheet shows images as blocks nevertheless,
  // it floats (`align`) and has no size.
  return "<img src=\"" + escape_attribute(path) +
         "\" alt=\"\" width=\"0\" height=\"0\" align=\"left\" hidden=\"hidden\" "
         "aria-hidden=\"true\" />";
}

std::string activation_tag(std::string_view path) {
  return "<audio src=\"" + escape_attribute(path) +
         "\" preload=\"auto\" hidden=\"hidden\"></audio>";
}

}  // namespace manhattan::http
