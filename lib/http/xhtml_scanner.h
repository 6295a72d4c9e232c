// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace manhattan::http {

/// What HtmlScanner is, of a page that browsers read as XML: a tag in the wrong place would replace
/// the page by an error.
///
/// The place is before the root's end, or before that of a `<body>` right in it. Pages that are not
/// XHTML by the root's `xmlns`, that write XHTML's elements with a prefix, that define entities or
/// have frames have none. The memory it takes is fixed. Threads: one.
class XhtmlScanner {
 public:
  /// As HtmlScanner's.
  std::optional<std::ptrdiff_t> find_place(std::string_view text) noexcept;
  std::size_t undecided_bytes() const noexcept;
  bool is_hopeless() const noexcept { return is_hopeless_; }
  /// Never: nothing may stand behind the root.
  bool takes_end() const noexcept { return false; }

 private:
  enum class State : std::uint8_t {
    content,
    tag_open,
    end_tag_name,
    tag_name,
    in_tag,
    in_attribute_name,
    in_value,
    markup,
    comment,
    cdata,
    instruction,
    doctype,
    doctype_quoted,
  };

  void start_text() noexcept { text_bytes_ = 0; }
  void add_to_text(char c) noexcept;
  std::string_view text() const noexcept;
  bool ends_page() const noexcept;
  void open_element() noexcept;

  static constexpr std::size_t kMaxTextBytes = 30;  // of XHTML's namespace, and one more

  std::uint64_t depth_ = 0;               ///< of open elements
  std::array<char, kMaxTextBytes> text_;  ///< a name, or a value in the root's tag; cut
  std::uint8_t text_bytes_ = 0;           ///< of it, up to one more than fit
  std::uint8_t run_ = 0;                  ///< characters of what ends this that came last
  State state_ = State::content;
  char quote_ = '"';
  bool is_slash_last_ = false;  ///< in a tag, outside of values
  bool is_namespace_ = false;   ///< the attribute is the root's xmlns
  bool is_xhtml_ = false;       ///< the root's xmlns is XHTML's
  bool is_hopeless_ = false;
};

}  // namespace manhattan::http
