// SPDX-License-Identifier: MIT
#include "bin/config_file.h"

#include <algorithm>

#include "base/near_name.h"
#include "base/text.h"

namespace manhattan::program {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_program(const std::string& name) {
  return std::ranges::find(program_names(), name) != program_names().end();
}

/// The program whose section `name` was probably to begin: by a slip, or without `manhattan-`.
std::string meant_by(const std::string& name) {
  constexpr std::string_view kPrefix = "manhattan-";
  for (const auto& text : {name, std::string(kPrefix) + name}) {
    if (is_program(text)) return text;
    if (const auto near = base::near_name(text, program_names())) return *near;
  }
  return "";
}

/// Reads line by line, and remembers in whose section it is.
class Parser {
 public:
  explicit Parser(ConfigFile& file) : file_(file) {}

  void take(std::string_view line) {
    ++number_;
    const auto text = base::trim(line);
    if (text.empty() || text.front() == '#') return;
    if (text.front() == '[') return take_heading(text);
    if (section_.empty() && !has_heading_)
      return refuse("it stands before the first [section], where no program reads it");
    if (section_.empty()) return;  // of a section that is refused by its heading
    if (text.find('\0') != text.npos)
      return refuse("it has a zero byte: save the file as plain text in UTF-8");
    take_setting(text);
  }

 private:
  void take_heading(std::string_view text) {
    has_heading_ = true;
    const auto end = text.find(']');
    const std::string name(base::trim(text.substr(1, end == text.npos ? text.npos : end - 1)));
    const auto before = section_;
    section_ = is_program(name) ? name : "";
    const auto meant = section_.empty() ? meant_by(name) : section_;
    if (end == text.npos) {
      refuse("'" + std::string(text) + "' has no ']'", meant.empty() ? before : meant);
    } else if (end + 1 < text.size()) {
      const auto rest = base::trim(text.substr(end + 1));
      refuse("nothing may stand behind [" + name + "]" +
                 (rest.front() == '#' ? ": a comment needs a line of its own"
                                      : ", not '" + std::string(rest) + "'"),
             meant.empty() ? before : meant);
    } else if (!is_program(name)) {
      const auto what = "there is no program '" + name + "' to read this section";
      if (meant.empty())
        file_.warnings.push_back({number_, what, ""});
      else
        refuse(what + "; did you mean '" + meant + "'?", meant);
    }
  }

  void take_setting(std::string_view text) {
    const auto equals = text.find('=');
    if (text.front() == ';') return refuse("a comment begins with '#', not with ';'");
    if (equals == text.npos) {
      const std::string key(base::trim(text.substr(0, text.find_first_of(": \t"))));
      return refuse("'" + std::string(text) + "' has no '=': write '" + key + " = VALUE', or '" +
                    key + " = true' for a switch");
    }
    if (equals == 0) return refuse("no key stands before the '='");
    file_.sections[section_].push_back({number_, std::string(base::trim(text.substr(0, equals))),
                                        std::string(base::trim(text.substr(equals + 1)))});
  }

  void refuse(std::string what) { refuse(std::move(what), section_); }
  void refuse(std::string what, std::string section) {
    file_.faults.push_back({number_, std::move(what), std::move(section)});
  }

  ConfigFile& file_;
  std::size_t number_ = 0;
  bool has_heading_ = false;
  std::string section_;
};

}  // namespace

ConfigFile ConfigFile::parse(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  ConfigFile file;
  Parser parser(file);
  for (const auto line : base::split(text, '\n')) parser.take(line);
  return file;
}

const std::vector<std::string>& program_names() {
  static const std::vector<std::string> names = {
      "manhattan-event",  "manhattan-fcgi",   "manhattan-log",   "manhattan-query",
      "manhattan-replay", "manhattan-report", "manhattan-server"};
  return names;
}

}  // namespace manhattan::program
