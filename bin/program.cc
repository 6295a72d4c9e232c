// SPDX-License-Identifier: MIT
#include "bin/program.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"

namespace manhattan::program {
namespace {

/// The lines of one `[section]` of the config file, with line numbers kept by blank lines.
std::string section_of(const std::string& text, const std::string& section) {
  std::istringstream lines(text);
  std::string result, line, current;
  while (std::getline(lines, line)) {
    const auto trimmed = base::trim(line);
    if (trimmed.starts_with('[') && trimmed.ends_with(']')) {
      current = trimmed.substr(1, trimmed.size() - 2);
      line.clear();
    }
    result += current == section ? line + "\n" : "\n";
  }
  return result;
}

/// The names and values in an error of the parser, which it puts in the place of `%value%` and the
/// like when it is asked what it says.
class Substitutions : options::error_with_option_name {
 public:
  static std::map<std::string, std::string>& of(options::error_with_option_name& error) {
    return error.*&Substitutions::m_substitutions;
  }
};

/// What `error` says. Boost replaces as long as there is something to replace, for ever where what
/// a user wrote holds the placeholder that it stands for: no `%` of theirs is there meanwhile.
std::string sentence_of(options::error& error) {
  constexpr char kStandIn = '\1';
  auto* with_name = dynamic_cast<options::error_with_option_name*>(&error);
  if (with_name == nullptr) return error.what();
  for (auto& [placeholder, text] : Substitutions::of(*with_name)) {
    std::replace(text.begin(), text.end(), '%', kStandIn);
  }
  std::string sentence = error.what();
  std::replace(sentence.begin(), sentence.end(), kStandIn, '%');
  return sentence;
}

/// Calls `parse`; what is wrong becomes a ConfigError that begins with `where`.
template <typename Parse>
void refusing(const std::string& where, const Parse& parse) {
  try {
    parse();
  } catch (options::error& error) {
    throw ConfigError(where + sentence_of(error));
  }
}

void read_environment(const Program& program, options::variables_map& values) {
  options::basic_parsed_options<char> found(&program.described);
  for (const auto& [variable, option] : program.environment) {
    const char* value = std::getenv(variable.c_str());
    if (value && *value) found.options.emplace_back(option, std::vector<std::string>{value});
  }
  refusing("", [&] { options::store(found, values); });
}

void read_config(const Program& program, options::variables_map& values) {
  const auto path = values["config"].as<std::string>();
  const bool is_asked_for = !values["config"].defaulted();
  base::SystemFiles files;
  if (!is_asked_for && !files.open_read(path)) return;
  std::istringstream section(section_of(base::read_file(path), program.name));
  refusing("'" + path + "' [" + program.name + "]: ",
           [&] { options::store(options::parse_config_file(section, program.described), values); });
}

void print_help(const Program& program) {
  std::cout << "Usage: " << program.name << ' ' << program.synopsis << "\n"
            << program.purpose << "\n\n"
            << program.described << "\nSee man " << program.name << " for all of it.\n";
}

/// The values in force, as a config file would give them.
void print_config(const Program& program, const options::variables_map& values) {
  std::cout << '[' << program.name << "]\n";
  for (const auto& option : program.described.options()) {
    const auto& name = option->long_name();
    if (!values.count(name) || name == "config" || name == "check-config") continue;
    const auto& value = values[name].value();
    if (const auto* text = boost::any_cast<std::string>(&value)) {
      std::cout << name << " = " << *text << '\n';
    } else if (const auto* list = boost::any_cast<std::vector<std::string>>(&value)) {
      for (const auto& item : *list) std::cout << name << " = " << item << '\n';
    } else if (const auto* number = boost::any_cast<std::int64_t>(&value)) {
      std::cout << name << " = " << *number << '\n';
    } else if (const auto* flag = boost::any_cast<bool>(&value)) {
      std::cout << name << " = " << (*flag ? "true" : "false") << '\n';
    }
  }
}

void add_common_options(Program& program) {
  // clang-format off
  program.described.add_options()
      ("config", options::value<std::string>()->default_value(kConfigFile)->value_name("FILE"),
       "read more options from FILE; the command line wins")
      ("check-config", options::bool_switch(), "print the options in force and exit")
      ("help,h", options::bool_switch(), "print this help and exit")
      ("version", options::bool_switch(), "print the version and exit");
  // clang-format on
}

void read_the_rest(const Program& program, options::variables_map& values) {
  read_environment(program, values);
  read_config(program, values);
  options::notify(values);
}

int run_unguarded(int argc, char** argv, Program& program,
                  const std::function<int(const options::variables_map&)>& body) {
  add_common_options(program);
  auto values = read_words({argc, argv}, program);
  if (values["help"].as<bool>()) {
    print_help(program);
    return kDone;
  }
  if (values["version"].as<bool>()) {
    std::cout << program.name << " " MANHATTAN_VERSION "\n";
    return kDone;
  }
  read_the_rest(program, values);
  if (values["check-config"].as<bool>()) {
    print_config(program, values);
    return kDone;
  }
  return body(values);
}

int report(const Program& program, const std::string& message, int exit_code) {
  std::cerr << program.name << ": " << message << '\n';
  if (exit_code == kWrongUse) std::cerr << "Try '" << program.name << " --help'.\n";
  return exit_code;
}

}  // namespace

options::variables_map read_words(options::command_line_parser words, const Program& program) {
  options::options_description all;
  all.add(program.described).add(program.hidden);
  using Style = options::command_line_style::style_t;
  const int style =
      Style::unix_style & ~Style::allow_guessing;  // an abbreviation would be frozen by scripts
  options::variables_map values;
  try {
    options::store(words.options(all).positional(program.positional).style(style).run(), values);
  } catch (options::error& error) {
    const bool may_be_a_word = dynamic_cast<options::unknown_option*>(&error) != nullptr &&
                               program.positional.max_total_count() > 0;
    throw ConfigError(
        sentence_of(error) +
        (may_be_a_word ? "; what begins with a dash and is no option stands after --" : ""));
  }
  return values;
}

options::variables_map reread(int argc, char** argv, Program program) {
  add_common_options(program);
  try {
    auto values = read_words({argc, argv}, program);
    read_the_rest(program, values);
    return values;
  } catch (const IoError& error) {
    throw ConfigError(error.what());
  }
}

int run(int argc, char** argv, Program program,
        const std::function<int(const options::variables_map&)>& body) {
  try {
    return run_unguarded(argc, argv, program, body);
  } catch (const ConfigError& error) {
    return report(program, error.what(), kWrongUse);
  } catch (const DamageError& error) {
    return report(program, error.what(), kDamaged);
  } catch (const TimeoutError& error) {
    return report(program, error.what(), kTimedOut);
  } catch (const std::exception& error) {
    return report(program, error.what(), kFailed);
  }
}

}  // namespace manhattan::program
