// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace manhattan::http {

/// Reads an HTML page as it streams through, and finds where an image of ours becomes an element of
/// its body: before the first `</body>` or `</html>` that a browser takes for one, else at its end.
///
/// It is the tokenizer of the HTML standard (13.2.5), less what has no part in that, and of the
/// tree construction as much as decides what text means: a `</body>` in a script, a style sheet, a
/// comment, an attribute or a template ends no body, and inside `<svg>` or `<math>` a script's text
/// has tags. Where badly nested elements make this unsure, it rather finds no place.
///
/// What does not begin as a page does, such as JSON, and a page of frames has no place at all.
/// The memory it takes is fixed. Threads: one.
class HtmlScanner {
 public:
  /// A page that `is_shown_alone` is a document even where it looks like a piece of one.
  explicit HtmlScanner(bool is_shown_alone) noexcept : is_shown_alone_(is_shown_alone) {}

  /// Reads on. The place, counted from the first byte of `text`: below zero it lies in what was
  /// read before, at the beginning of undecided_bytes(). Once it is found, this is of no more use.
  std::optional<std::ptrdiff_t> find_place(std::string_view text) noexcept;

  /// How many of the bytes read last may yet turn out to begin a `</body>` or `</html>`; at most
  /// kMaxUndecidedBytes.
  std::size_t undecided_bytes() const noexcept;
  static constexpr std::size_t kMaxUndecidedBytes = 6;

  /// The page has no place, however it goes on.
  bool is_hopeless() const noexcept { return kind_ == Kind::other; }

  /// Where the page ends here, its end is the place: before the undecided bytes.
  bool takes_end() const noexcept;

 private:
  /// What the page is, by its beginning.
  enum class Kind : std::uint8_t {
    unknown,   ///< nothing but blanks and comments has come
    piece,     ///< an element that may be put into a page by a script; or a page that leaves out
               ///< the tags of one
    document,  ///< a page
    other,     ///< not HTML, or frames
  };
  /// The states of the standard, those of one effect under one name.
  enum class State : std::uint8_t {
    data,
    tag_open,
    end_tag_open,
    tag_name,
    before_attribute,
    attribute_name,
    after_attribute_name,
    before_value,
    double_quoted,
    single_quoted,
    unquoted,
    self_closing,
    markup,
    markup_dash,
    markup_doctype,
    markup_cdata,
    bogus_comment,
    doctype,
    comment_start,
    comment_start_dash,
    comment,
    comment_end_bang,
    cdata,
    text,  ///< of a script, a style sheet, a title, ...: up to its end tag
    text_less,
    text_end_tag_open,
    text_end_tag_name,
    text_bang,
    text_bang_dash,
    text_escape_name,
    plaintext,
  };
  /// What an open element has in it. Of HTML's own only those count that are in a foreign one.
  enum class Content : std::uint8_t {
    templated,   ///< a template: no part of the page
    svg,         ///< a foreign element: foreign ones
    math,        ///< the same
    annotation,  ///< the same, but `<svg>` begins SVG in it
    html,        ///< a foreign element: HTML
    nested,      ///< an element of HTML in such a one: HTML
  };

  struct Element {
    Content content;
    std::uint32_t name;  ///< its hash
  };

  /// Tags change nothing but those that find_place() looks for.
  bool may_skip() const noexcept { return kind_ == Kind::document && depth_ == 0; }
  void start_name(char c) noexcept;
  void add_to_name(char c) noexcept;
  std::string_view name() const noexcept;
  void judge_text(char c) noexcept;
  void judge_tag() noexcept;
  void judge_doctype() noexcept;
  /// What stood here would be an element of the page's body.
  bool has_place() const noexcept { return depth_ == 0; }
  bool ends_page() const noexcept;
  void end_tag() noexcept;
  void open_element() noexcept;
  void open_foreign(std::string_view tag) noexcept;
  void close_element() noexcept;
  void push(Content content) noexcept;
  bool is_in(Content content) const noexcept;
  bool is_in_foreign() const noexcept;

  static constexpr std::size_t kMaxNameBytes = 16;
  static constexpr std::size_t kMaxDepth = 64;

  std::array<Element, kMaxDepth> elements_;  ///< the open ones that change what is in them
  std::array<char, kMaxNameBytes> name_;     ///< of the tag, in lower case; cut
  std::uint8_t name_bytes_ = 0;              ///< of it, up to one more than fit
  std::uint8_t depth_ = 0;                   ///< of elements_
  std::uint8_t text_name_ = 0;               ///< whose text it is, in kTexts
  std::uint8_t escape_ = 0;                  ///< a script's: 1 after `<!--`, 2 in a script in that
  std::uint8_t run_ = 0;                     ///< dashes, brackets or bytes of a word that fit
  State state_ = State::data;
  Kind kind_ = Kind::unknown;
  std::uint8_t mark_bytes_ = 0;  ///< of a byte order mark
  bool is_end_tag_ = false;
  bool is_self_closing_ = false;
  bool is_shown_alone_;
};

}  // namespace manhattan::http
