// SPDX-License-Identifier: MIT
#include "http/html_scanner.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

#include "base/text.h"

namespace manhattan::http {
namespace {

using Names = std::span<const std::string_view>;

/// Their content is text up to their end tag. `<noscript>` is one as browsers with scripts see it.
constexpr std::string_view kTexts[] = {"script", "style",   "title",    "textarea", "xmp",
                                       "iframe", "noembed", "noframes", "noscript"};
constexpr std::uint8_t kScript = 0;

/// Only a page has them. What a script puts into a page may have a `<style>`, `<script>`, ... too.
constexpr std::string_view kPageTags[] = {"html", "head", "body", "title", "meta", "base", "link"};

/// A page that leaves out the tags of one begins with one of these, as a piece of one does.
constexpr std::string_view kPieceTags[] = {
    "a",        "abbr",     "address",  "applet",   "area",    "article", "aside",    "audio",
    "b",        "basefont", "bdi",      "bdo",      "bgsound", "big",     "blink",    "blockquote",
    "br",       "button",   "canvas",   "caption",  "center",  "cite",    "code",     "col",
    "colgroup", "data",     "datalist", "dd",       "del",     "details", "dfn",      "dialog",
    "dir",      "div",      "dl",       "dt",       "em",      "embed",   "fieldset", "figcaption",
    "figure",   "font",     "footer",   "form",     "h1",      "h2",      "h3",       "h4",
    "h5",       "h6",       "header",   "hgroup",   "hr",      "i",       "iframe",   "img",
    "input",    "ins",      "kbd",      "label",    "legend",  "li",      "listing",  "main",
    "map",      "mark",     "marquee",  "menu",     "meter",   "nav",     "nobr",     "noembed",
    "noscript", "object",   "ol",       "optgroup", "option",  "output",  "p",        "picture",
    "pre",      "progress", "q",        "ruby",     "s",       "samp",    "script",   "search",
    "section",  "select",   "small",    "source",   "span",    "strike",  "strong",   "style",
    "sub",      "summary",  "sup",      "table",    "tbody",   "td",      "template", "textarea",
    "tfoot",    "th",       "thead",    "time",     "tr",      "tt",      "u",        "ul",
    "var",      "video",    "wbr",      "xmp"};

/// Tags that end foreign content, as no drawing and no formula has them.
constexpr std::string_view kHtmlOnly[] = {
    "b",      "big",  "blockquote", "body",  "br",   "center", "code",    "dd",   "div",
    "dl",     "dt",   "em",         "embed", "h1",   "h2",     "h3",      "h4",   "h5",
    "h6",     "head", "hr",         "i",     "img",  "li",     "listing", "menu", "meta",
    "nobr",   "ol",   "p",          "pre",   "ruby", "s",      "small",   "span", "strong",
    "strike", "sub",  "sup",        "table", "tt",   "u",      "ul",      "var"};

/// They have no end tag.
constexpr std::string_view kEmpty[] = {"area",  "base",  "basefont", "bgsound", "br",     "col",
                                       "embed", "hr",    "img",      "input",   "keygen", "link",
                                       "meta",  "param", "source",   "track",   "wbr"};

constexpr std::string_view kDoctype = "doctype", kCdata = "[CDATA[";  // behind `<!`

/// Foreign elements that have HTML in them.
constexpr std::string_view kSvgWithHtml[] = {"foreignobject", "desc", "title"};
constexpr std::string_view kMathWithHtml[] = {"mi", "mo", "mn", "ms", "mtext"};

bool is_one_of(std::string_view name, Names names) noexcept {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}
constexpr bool is_letter(char c) noexcept {
  return base::to_lower(c) >= 'a' && base::to_lower(c) <= 'z';
}
/// What ends the name of a tag.
constexpr bool ends_name(char c) noexcept { return is_blank(c) || c == '/' || c == '>'; }

constexpr std::uint32_t hash_of(std::string_view name) noexcept {
  std::uint32_t hash = 2'166'136'261;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619;
  return hash;
}

/// Tags that are more than a tag among others, in a page whose other tags change nothing, by their
/// first three characters behind the `<`: which tells enough of them, as few others begin so.
constexpr std::string_view kBeginnings[] = {"scr", "sty", "svg", "tit", "tex", "tem", "xmp", "ifr",
                                            "nos", "noe", "nof", "pla", "fra", "mat", "/bo", "/ht"};

/// For each character a bit for each of kBeginnings that has it first, second or third; and for
/// each of the three ways in which a comment begins: `!`, `?`, and `/` before what is no letter.
constexpr std::size_t kBeginningBytes = 3;
constexpr auto kBits = [] {
  std::array<std::array<std::uint32_t, 256>, kBeginningBytes> bits{};
  std::uint32_t bit = 1;
  for (const auto beginning : kBeginnings) {
    for (std::size_t at = 0; at < kBeginningBytes; ++at) {
      const auto c = static_cast<unsigned char>(beginning[at]);
      bits[at][c] |= bit;
      if (is_letter(beginning[at])) bits[at][c & ~0x20] |= bit;
    }
    bit <<= 1;
  }
  for (const char first : {'!', '?', '/'}) {
    bits[0][static_cast<unsigned char>(first)] |= bit;
    for (int c = 0; c < 256; ++c) {
      if (first != '/' || !is_letter(static_cast<char>(c))) bits[1][c] |= bit;
      bits[2][c] |= bit;
    }
    bit <<= 1;
  }
  return bits;
}();

/// Whether what is behind a `<` counts: a tag of kBeginnings, or a comment of any kind.
inline bool counts(const char* next) noexcept {
  const auto at = [next](std::size_t i) { return kBits[i][static_cast<unsigned char>(next[i])]; };
  const auto both = at(0) & at(1);
  return both != 0 && (both & at(2)) != 0;
}

#ifdef __SSE2__
constexpr std::size_t kBlockBytes = 64;

/// A bit for each `<` in the kBlockBytes at `text`.
inline std::uint64_t find_less(const char* text) noexcept {
  const auto less = _mm_set1_epi8('<');
  const auto part = [&](int number) -> std::uint64_t {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text) + number);
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, less)));
  };
  return part(0) | part(1) << 16 | part(2) << 32 | part(3) << 48;
}
#endif

/// The next `<` from `from` on where `is_wanted` holds for what is behind it, or that is too near
/// the end to tell; the size of `text`: there is none. Pages have a tag every 20 bytes: a search
/// for each by itself takes several times as long.
template <typename Wanted>
std::size_t find_less(std::string_view text, std::size_t from, const Wanted& is_wanted) noexcept {
#ifdef __SSE2__
  for (; from + kBlockBytes + kBeginningBytes <= text.size(); from += kBlockBytes) {
    for (auto found = find_less(text.data() + from); found != 0; found &= found - 1) {
      const auto at = from + static_cast<std::size_t>(std::countr_zero(found));
      if (is_wanted(text.data() + at + 1)) return at;
    }
  }
#endif
  for (auto at = text.find('<', from); at != text.npos; at = text.find('<', at + 1)) {
    if (at + kBeginningBytes >= text.size() || is_wanted(text.data() + at + 1)) return at;
  }
  return text.size();
}

/// The last `c` before `end`; npos: there is none.
std::size_t find_last(std::string_view text, char c, std::size_t end) noexcept {
  const auto* const found = ::memrchr(text.data(), c, end);
  return found == nullptr ? text.npos
                          : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

/// Whether an attribute's value in quotes may go on at `at`, where `text` begins in data. Such a
/// value began with the last of its quotes, which follows an equals sign: where that quote follows
/// anything else, there is none.
bool may_be_quoted(std::string_view text, std::size_t at) noexcept {
  for (const char quote : {'"', '\''}) {
    auto before = find_last(text, quote, at);
    if (before == text.npos) continue;
    while (before > 0 && is_blank(text[before - 1])) --before;
    if (before > 0 && text[before - 1] == '=') return true;
  }
  return false;
}

/// The last place up to `end` that is surely in data, where `text` begins in it and has nothing
/// between but tags and text: behind the last `>`, which ends a tag or is text.
std::size_t last_in_data(std::string_view text, std::size_t end) noexcept {
  const auto at = find_last(text, '>', end);
  return at == text.npos || may_be_quoted(text, at) ? 0 : at + 1;
}

}  // namespace

std::optional<std::ptrdiff_t> HtmlScanner::find_place(std::string_view text) noexcept {
  const auto size = text.size();
  std::size_t skipped = 0;  // up to here nothing is left to find in data
  std::size_t i = 0;
  while (i < size && !is_hopeless()) {
    const char c = text[i];
    switch (state_) {
      case State::data:
        if (kind_ == Kind::unknown && (c != '<' || mark_bytes_ > 0)) {
          judge_text(c);
          ++i;
          break;
        }
        if (i >= skipped && may_skip()) {
          const auto rest = text.substr(i);
          const auto next = find_less(rest, 0, counts);
          skipped = i + next + 1;
          i += last_in_data(rest, next);
        }
        i = std::min(text.find('<', i), size);
        if (i == size) break;
        state_ = State::tag_open;
        ++i;
        break;

      case State::tag_open:
        if (is_letter(c)) {
          is_end_tag_ = false;
          start_name(c);
          state_ = State::tag_name;
        } else if (c == '/') {
          state_ = State::end_tag_open;
        } else if (c == '!') {
          state_ = State::markup;
        } else if (c == '?') {
          state_ = State::bogus_comment;
        } else {
          if (kind_ == Kind::unknown) kind_ = Kind::other;
          state_ = State::data;
          break;  // the character is read again
        }
        ++i;
        break;

      case State::end_tag_open:
        if (is_letter(c)) {
          is_end_tag_ = true;
          start_name(c);
          state_ = State::tag_name;
          ++i;
        } else if (c == '>') {
          state_ = State::data;
          ++i;
        } else {
          state_ = State::bogus_comment;
        }
        break;

      case State::tag_name:
        while (i < size && !ends_name(text[i])) add_to_name(text[i++]);
        if (i == size) break;
        judge_tag();
        if (ends_page() && has_place()) {
          return static_cast<std::ptrdiff_t>(i) - static_cast<std::ptrdiff_t>(name().size()) - 2;
        }
        state_ = State::before_attribute;
        break;

      case State::before_attribute:
        ++i;
        if (c == '>') {
          end_tag();
        } else if (c == '/') {
          state_ = State::self_closing;
        } else if (!is_blank(c)) {
          state_ = State::attribute_name;
        }
        break;

      case State::attribute_name:
        while (i < size && !ends_name(text[i]) && text[i] != '=') ++i;
        if (i == size) break;
        if (text[i] == '=') {
          state_ = State::before_value;
          ++i;
        } else {
          state_ = State::after_attribute_name;
        }
        break;

      case State::after_attribute_name:
        ++i;
        if (c == '>') {
          end_tag();
        } else if (c == '/') {
          state_ = State::self_closing;
        } else if (c == '=') {
          state_ = State::before_value;
        } else if (!is_blank(c)) {
          state_ = State::attribute_name;
        }
        break;

      case State::before_value:
        ++i;
        if (c == '"') {
          state_ = State::double_quoted;
        } else if (c == '\'') {
          state_ = State::single_quoted;
        } else if (c == '>') {
          end_tag();
        } else if (!is_blank(c)) {
          state_ = State::unquoted;
        }
        break;

      case State::double_quoted:
      case State::single_quoted:
        i = std::min(text.find(state_ == State::double_quoted ? '"' : '\'', i), size);
        if (i == size) break;
        state_ = State::before_attribute;
        ++i;
        break;

      case State::unquoted:
        while (i < size && !is_blank(text[i]) && text[i] != '>') ++i;
        if (i < size) state_ = State::before_attribute;
        break;

      case State::self_closing:
        if (c == '>') {
          is_self_closing_ = true;
          end_tag();
          ++i;
        } else {
          state_ = State::before_attribute;
        }
        break;

      case State::markup:
        run_ = 1;
        if (c == '-') {
          state_ = State::markup_dash;
        } else if (base::to_lower(c) == kDoctype[0]) {
          state_ = State::markup_doctype;
        } else if (c == kCdata[0] && (is_in_foreign() || is_in(Content::html))) {
          state_ = State::markup_cdata;
        } else {
          state_ = State::bogus_comment;
          break;
        }
        ++i;
        break;

      case State::markup_dash:
        if (c == '-') {
          state_ = State::comment_start;
          ++i;
        } else {
          state_ = State::bogus_comment;
        }
        break;

      case State::markup_doctype:
        if (base::to_lower(c) != kDoctype[run_]) {
          state_ = State::bogus_comment;
          break;
        }
        if (++run_ == kDoctype.size()) {
          name_bytes_ = 0;
          state_ = State::doctype;
        }
        ++i;
        break;

      case State::markup_cdata:
        if (c != kCdata[run_]) {
          state_ = State::bogus_comment;
          break;
        }
        if (++run_ == kCdata.size()) {
          run_ = 0;
          state_ = State::cdata;
        }
        ++i;
        break;

      case State::bogus_comment:
        i = std::min(text.find('>', i), size);
        if (i == size) break;
        state_ = State::data;
        ++i;
        break;

      case State::doctype:
        if (c == '>') {
          judge_doctype();
          state_ = State::data;
        } else if (kind_ == Kind::unknown) {
          if (!is_blank(c)) {
            name_bytes_ == 0 ? start_name(c) : add_to_name(c);
          } else if (name_bytes_ > 0) {
            judge_doctype();
          }
        }
        ++i;
        break;

      case State::comment_start:
      case State::comment_start_dash:
        run_ = state_ == State::comment_start ? 0 : 1;
        if (c == '>') {
          state_ = State::data;
          ++i;
        } else if (c == '-' && state_ == State::comment_start) {
          state_ = State::comment_start_dash;
          ++i;
        } else {
          state_ = State::comment;
        }
        break;

      case State::comment:
        if (c == '-') {
          run_ = static_cast<std::uint8_t>(std::min(run_ + 1, 2));
        } else if (c == '>' && run_ == 2) {
          state_ = State::data;
        } else if (c == '!' && run_ == 2) {
          state_ = State::comment_end_bang;
        } else {
          run_ = 0;
          i = std::min(text.find('-', i + 1), size);
          break;
        }
        ++i;
        break;

      case State::comment_end_bang:
        run_ = c == '-' ? 1 : 0;
        state_ = c == '>' ? State::data : State::comment;
        ++i;
        break;

      case State::cdata:
        if (c == ']') {
          run_ = static_cast<std::uint8_t>(std::min(run_ + 1, 2));
        } else {
          if (c == '>' && run_ == 2) state_ = State::data;
          run_ = 0;
        }
        ++i;
        break;

      case State::text:
        if (escape_ == 0) {
          const char first = kTexts[text_name_][0];
          const bool is_script = text_name_ == kScript;
          i = find_less(text, i, [first, is_script](const char* next) noexcept {
            return (next[0] == '/' && base::to_lower(next[1]) == first) ||
                   (next[0] == '!' && is_script);
          });
          if (i == size) break;
          state_ = State::text_less;
        } else if (c == '-') {
          run_ = static_cast<std::uint8_t>(std::min(run_ + 1, 2));
        } else {
          if (c == '<') state_ = State::text_less;
          if (c == '>' && run_ == 2) escape_ = 0;
          run_ = 0;
        }
        ++i;
        break;

      case State::text_less:
        if (c == '/') {
          name_bytes_ = 0;
          state_ = escape_ == 2 ? State::text_escape_name : State::text_end_tag_open;
          ++i;
        } else if (c == '!' && text_name_ == kScript && escape_ == 0) {
          state_ = State::text_bang;
          ++i;
        } else if (is_letter(c) && escape_ == 1) {
          name_bytes_ = 0;
          state_ = State::text_escape_name;
        } else {
          state_ = State::text;
        }
        break;

      case State::text_bang:
      case State::text_bang_dash:
        if (c != '-') {
          state_ = State::text;
        } else if (state_ == State::text_bang) {
          state_ = State::text_bang_dash;
          ++i;
        } else {
          escape_ = 1;
          run_ = 2;
          state_ = State::text;
          ++i;
        }
        break;

      case State::text_escape_name:
        if (is_letter(c)) {
          add_to_name(c);
          ++i;
        } else {
          if (ends_name(c)) {
            if (name() == "script") escape_ = static_cast<std::uint8_t>(3 - escape_);
            ++i;
          }
          state_ = State::text;
        }
        break;

      case State::text_end_tag_open:
        if (is_letter(c)) {
          is_end_tag_ = true;
          start_name(c);
          state_ = State::text_end_tag_name;
          ++i;
        } else {
          state_ = State::text;
        }
        break;

      case State::text_end_tag_name:
        if (is_letter(c)) {
          add_to_name(c);
          ++i;
        } else {
          const bool is_end = ends_name(c) && name() == kTexts[text_name_];
          state_ = is_end ? State::before_attribute : State::text;
        }
        break;

      case State::plaintext:
        i = size;
        break;
    }
  }
  return {};
}

std::size_t HtmlScanner::undecided_bytes() const noexcept {
  if (is_hopeless() || !has_place()) return 0;
  switch (state_) {
    case State::tag_open:
      return 1;
    case State::end_tag_open:
      return 2;
    case State::tag_name: {
      const auto begun = name();
      const bool may_end = is_end_tag_ && !begun.empty() &&
                           (std::string_view("body").starts_with(begun) ||
                            std::string_view("html").starts_with(begun));
      return may_end ? 2 + begun.size() : 0;
    }
    default:
      return 0;
  }
}

bool HtmlScanner::takes_end() const noexcept {
  if (state_ != State::data && undecided_bytes() == 0) return false;
  return has_place() && (kind_ == Kind::document || (kind_ == Kind::piece && is_shown_alone_));
}

void HtmlScanner::start_name(char c) noexcept {
  name_[0] = base::to_lower(c);
  name_bytes_ = 1;
  is_self_closing_ = false;
}

void HtmlScanner::add_to_name(char c) noexcept {
  if (name_bytes_ < kMaxNameBytes) name_[name_bytes_] = base::to_lower(c);
  if (name_bytes_ <= kMaxNameBytes) ++name_bytes_;
}

/// Empty for one that is longer than any that counts.
std::string_view HtmlScanner::name() const noexcept {
  return {name_.data(), name_bytes_ > kMaxNameBytes ? std::size_t{0} : name_bytes_};
}

/// What may stand before a page: blanks, comments and byte order marks, of which a page that is put
/// together from files has some.
void HtmlScanner::judge_text(char c) noexcept {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (c == kMark[mark_bytes_]) {
    mark_bytes_ = static_cast<std::uint8_t>((mark_bytes_ + 1) % kMark.size());
  } else if (!is_blank(c) || mark_bytes_ > 0) {
    kind_ = Kind::other;
  }
}

void HtmlScanner::judge_doctype() noexcept {
  if (kind_ == Kind::unknown) kind_ = name() == "html" ? Kind::document : Kind::other;
}

void HtmlScanner::judge_tag() noexcept {
  if (kind_ == Kind::document || depth_ > 0) return;
  const auto tag = name();
  const bool is_outer = tag == "html" || tag == "head" || tag == "body";
  if (is_outer || (kind_ == Kind::unknown && !is_end_tag_ && is_one_of(tag, kPageTags))) {
    kind_ = Kind::document;
  } else if (kind_ == Kind::unknown) {
    kind_ = is_one_of(tag, kPieceTags) ? Kind::piece : Kind::other;
  }
}

bool HtmlScanner::ends_page() const noexcept {
  return is_end_tag_ && (name() == "body" || name() == "html");
}

/// The tag is whole, and what follows is data unless the tag says otherwise.
void HtmlScanner::end_tag() noexcept {
  state_ = State::data;
  escape_ = run_ = 0;
  is_end_tag_ ? close_element() : open_element();
}

/// Whether the innermost open element of those that count is of this kind.
bool HtmlScanner::is_in(Content content) const noexcept {
  return depth_ > 0 && elements_[depth_ - 1].content == content;
}

/// Whether the next tag is of a foreign element.
bool HtmlScanner::is_in_foreign() const noexcept {
  return is_in(Content::svg) || is_in(Content::math) || is_in(Content::annotation);
}

void HtmlScanner::open_element() noexcept {
  const auto tag = name();
  if (is_in_foreign()) {
    const bool is_drawing = is_in(Content::annotation) && tag == "svg";
    if (!is_drawing && !is_one_of(tag, kHtmlOnly)) return open_foreign(tag);
    while (!is_drawing && is_in_foreign()) --depth_;
  }
  if (tag == "svg" || tag == "math") {
    if (!is_self_closing_) push(tag == "svg" ? Content::svg : Content::math);
    return;
  }
  if (tag == "template") return push(Content::templated);
  if ((is_in(Content::html) || is_in(Content::nested)) && !is_one_of(tag, kEmpty)) {
    push(Content::nested);
  }
  if (tag == "plaintext") {
    state_ = State::plaintext;
  } else if (tag == "frameset" && depth_ == 0) {
    kind_ = Kind::other;
  } else if (const auto* found = std::find(std::begin(kTexts), std::end(kTexts), tag);
             found != std::end(kTexts)) {
    text_name_ = static_cast<std::uint8_t>(found - std::begin(kTexts));
    state_ = State::text;
  }
}

void HtmlScanner::open_foreign(std::string_view tag) noexcept {
  if (is_self_closing_) return;
  const bool is_drawing = is_in(Content::svg);
  if (is_one_of(tag, is_drawing ? Names(kSvgWithHtml) : Names(kMathWithHtml))) {
    push(Content::html);
  } else if (is_drawing) {
    push(Content::svg);
  } else {
    push(tag == "annotation-xml" ? Content::annotation : Content::math);
  }
}

void HtmlScanner::push(Content content) noexcept {
  if (depth_ == kMaxDepth) {
    kind_ = Kind::other;  // nobody draws so deep
    return;
  }
  elements_[depth_++] = {content, hash_of(name())};
}

/// An end tag closes the innermost open element of its name. Where tags of HTML are not nested
/// within a foreign element, and where one of HTML ends in foreign content, what browsers do
/// depends on more than is known here: nothing is sure from there on.
void HtmlScanner::close_element() noexcept {
  const auto tag = name();
  const auto hash = hash_of(tag);
  const bool is_template = tag == "template";
  const bool is_nested = is_in(Content::nested);
  for (auto depth = depth_; depth > 0; --depth) {
    const auto& element = elements_[depth - 1];
    const bool is_templated = element.content == Content::templated;
    if (element.name == hash && is_templated == is_template) {
      depth_ = static_cast<std::uint8_t>(depth - 1);
      return;
    }
    if (is_template) continue;
    if (is_templated) return;
    if (element.content == Content::nested) break;
  }
  if (is_nested || (depth_ > 0 && is_one_of(tag, kPieceTags))) kind_ = Kind::other;
}

}  // namespace manhattan::http
