// SPDX-License-Identifier: MIT
#pragma once

#include <boost/program_options.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace manhattan::program {

namespace options = boost::program_options;

/// One option of a program, described once. The parser, --help, the config file, --check-config,
/// what SIGHUP may change, and the table in the man page are all made of this description.
///
/// A description is written as a chain:
///     number("jobs", "N", "programs at a time").between(1, 10'000).by_default(16).at_restart()
class Option {
 public:
  enum class Kind { flag, number, text, list };
  /// What a changed value in the config file does when the running program gets SIGHUP.
  enum class Reload { not_read, takes_effect, needs_restart };
  /// Throws ConfigError, which says what is wrong with the value. It looks at the text alone and
  /// not at the machine, so that a file can be checked anywhere.
  using Check = std::function<void(const std::string&)>;

  Option(Kind kind, const std::string& names, std::string placeholder, std::string help);

  Option& by_default(std::string value);
  Option& by_default(std::int64_t value) { return by_default(std::to_string(value)); }
  /// What the man page says of the default, where the value depends on the machine.
  Option& documented_default(std::string text);
  Option& between(std::int64_t least, std::int64_t most);
  Option& at_least(std::int64_t least) {
    return between(least, std::numeric_limits<std::int64_t>::max());
  }
  Option& one_of(std::vector<std::string> words);
  Option& checked_by(Check check);
  /// What only this machine can tell of a value, such as whether there is such a user or folder:
  /// for
  /// --check-config, which names the line. At a start it shows by itself.
  Option& checked_on_machine(Check check);
  /// A list: no two values may have the same name, which `name_of` finds in a value.
  Option& named_by(std::function<std::string(const std::string&)> name_of);
  /// A list: values of the command line and of the config file all count. Without this, those of
  /// the command line replace those of the file.
  Option& composing();
  /// The value may be any sentence, so it may hold a blank followed by '#'.
  Option& free_text();
  Option& on_reload();   ///< SIGHUP puts a changed value into effect
  Option& at_restart();  ///< a changed value needs a restart

  const std::string& name() const noexcept { return name_; }
  char letter() const noexcept { return letter_; }
  const std::string& placeholder() const noexcept { return placeholder_; }
  const std::string& help() const noexcept { return help_; }
  Kind kind() const noexcept { return kind_; }
  Reload reload() const noexcept { return reload_; }
  bool is_composing() const noexcept { return is_composing_; }
  bool is_free_text() const noexcept { return is_free_text_; }
  /// As the man page has it; empty where there is none.
  std::string default_text() const;

  /// Adds it to what Boost.ProgramOptions parses and prints as --help.
  void add_to(options::options_description& described) const;
  /// ConfigError where `value`, which Boost's parser accepted, is none that the option takes.
  void check(const std::string& value) const;
  void check_on_machine(const std::string& value) const;
  /// Empty where values have no names.
  std::string name_in(const std::string& value) const;
  /// The values in `values`, as lines of a config file would write them; none where it is not
  /// given.
  std::vector<std::string> texts_in(const options::variables_map& values) const;

 private:
  std::string name_;
  char letter_ = 0;
  std::string placeholder_;
  std::string help_;
  Kind kind_;
  std::optional<std::string> default_;
  std::string documented_default_;
  std::optional<std::int64_t> least_;
  std::int64_t most_ = 0;
  std::vector<std::string> words_;
  Check check_;
  Check machine_check_;
  std::function<std::string(const std::string&)> name_of_;
  bool is_composing_ = false;
  bool is_free_text_ = false;
  Reload reload_ = Reload::not_read;
};

/// `names` is `long` or `long,l`.
Option flag(const std::string& names, std::string help);
Option number(const std::string& names, std::string placeholder, std::string help);
Option text(const std::string& names, std::string placeholder, std::string help);
Option list(const std::string& names, std::string placeholder, std::string help);

/// A whole number, or nothing where `text` is none.
std::optional<std::int64_t> whole_number(const std::string& text);

/// A check for the number of a site.
void check_site(const std::string& text);

}  // namespace manhattan::program
