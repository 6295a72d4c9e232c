// SPDX-License-Identifier: MIT
#include "bin/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "base/near_name.h"
#include "base/text.h"
#include "bin/config_file.h"

namespace manhattan::program {
namespace {

/// On the command line by which one program has another check its own section.
constexpr const char* kOwnSectionOnly = "check-own-section";
/// Among the values, the names of options that the command line has; no option can have this name.
constexpr const char* kTyped = " typed";

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

const Option* find_option(const std::vector<Option>& described, const std::string& name) {
  const auto found = std::ranges::find(described, name, &Option::name);
  return found == described.end() ? nullptr : &*found;
}

options::options_description parser_of(const Program& program) {
  options::options_description all("Options");
  for (const auto& option : program.described) option.add_to(all);
  for (const auto& option : common_options()) option.add_to(all);
  return all;
}

/// Behind an unknown option of the command line: which one was meant, or how to write a name that
/// looks like an option.
std::string advice_on(const std::string& unknown, const Program& program) {
  std::vector<std::string> known;
  for (const auto* options : {&program.described, &common_options()}) {
    for (const auto& option : *options) known.push_back(option.name());
  }
  const auto begin = std::min(unknown.find_first_not_of('-'), unknown.size());
  const auto meant = base::near_name(unknown.substr(begin, unknown.find('=') - begin), known);
  if (meant) return "; did you mean '--" + *meant + "'?";
  if (program.positional.max_total_count() == 0) return "";
  return "; what begins with a dash and is no option stands after --";
}

void check_values(const Program& program, const options::parsed_options& parsed) {
  for (const auto& given : parsed.options) {
    const auto* option = find_option(program.described, given.string_key);
    if (option == nullptr || option->kind() == Option::Kind::flag) continue;
    for (const auto& value : given.value) option->check(value);
  }
}

void read_environment(const Program& program, options::variables_map& values) {
  const auto described = parser_of(program);
  options::parsed_options found(&described);
  for (const auto& [variable, option] : program.environment) {
    const char* value = std::getenv(variable.c_str());
    if (value && *value) found.options.emplace_back(option, std::vector<std::string>{value});
  }
  try {
    options::store(found, values);
    check_values(program, found);
  } catch (options::error& error) {
    throw ConfigError(sentence_of(error));
  }
}

/// A value with a comment behind it, which only the start of a line may have: ConfigError says what
/// to write instead. In a name or a sentence ` #` may well be meant.
void refuse_comment(const Option& option, const std::string& value) {
  if (option.is_free_text()) return;
  const auto is_comment = [&](std::size_t at) {
    return value[at] == '#' && (at == 0 || value[at - 1] == ' ' || value[at - 1] == '\t');
  };
  std::size_t at = 0;
  while (at < value.size() && !is_comment(at)) ++at;
  if (at == value.size()) return;
  const auto before = base::trim(std::string_view(value).substr(0, at));
  throw ConfigError("'#' begins a comment only at the start of a line: write '" + option.name() +
                    " =" + (before.empty() ? "" : " ") + std::string(before) + "', and '" +
                    value.substr(at) + "' on a line of its own");
}

/// Reads one program's section. Each fault is kept with its line, so that all can be told at once.
class Section {
 public:
  enum class Depth { text, machine };  ///< how far values are checked

  Section(const Program& program, std::string path, Depth depth)
      : program_(program), path_(std::move(path)), depth_(depth), described_(parser_of(program)) {}

  void read(const ConfigFile& file, bool is_whole_file_checked) {
    for (const auto& fault : file.faults) {
      const bool is_told_by_another = file.sections.contains(fault.section);
      if (fault.section == program_.name || (is_whole_file_checked && !is_told_by_another))
        note(fault.number, fault.what);
    }
    if (is_whole_file_checked) {
      for (const auto& warning : file.warnings) warn(warning.number, warning.what);
    }
    const auto section = file.sections.find(program_.name);
    if (section != file.sections.end()) {
      for (const auto& line : section->second) take(line);
    }
    std::ranges::stable_sort(faults_, {}, &Fault::line);
  }

  /// What is allowed, but may not be what the writer of the file meant.
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }

  void store_into(options::variables_map& values) const {
    options::parsed_options parsed(&described_);
    parsed.options = settings_;
    options::store(parsed, values);
  }

  std::vector<std::string> faults() const {
    std::vector<std::string> sentences;
    for (const auto& fault : faults_) sentences.push_back(fault.sentence);
    return sentences;
  }

 private:
  struct Fault {
    std::size_t line;
    std::string sentence;
  };

  void note(std::size_t line, const std::string& what) {
    faults_.push_back({line, path_ + ':' + std::to_string(line) + ": " + what});
  }

  void warn(std::size_t line, const std::string& what) {
    warnings_.push_back(path_ + ':' + std::to_string(line) + ": warning: " + what);
  }

  void take(const ConfigFile::Line& line) {
    try {
      const auto& option = named(line.key);
      refuse_comment(option, line.value);
      const options::option setting(option.name(), {line.value});
      parse_alone(setting);
      if (option.kind() != Option::Kind::flag) option.check(line.value);
      refuse_repetition(option, line);
      if (depth_ == Depth::machine) option.check_on_machine(line.value);
      warn_of_comment(option, line);
      settings_.push_back(setting);
    } catch (const Error& error) {
      note(line.number, error.what());
    }
  }

  void warn_of_comment(const Option& option, const ConfigFile::Line& line) {
    if (!option.is_free_text() || line.value.find(" # ") == std::string::npos) return;
    warn(line.number, "'#' is part of this value; a comment needs a line of its own");
  }

  const Option& named(const std::string& key) const {
    if (const auto* option = find_option(program_.described, key)) return *option;
    const auto name = key.substr(std::min(key.find_first_not_of('-'), key.size()));
    if (find_option(common_options(), name) != nullptr)
      throw ConfigError("'" + key + "' belongs on the command line, not in a config file");
    std::vector<std::string> known;
    for (const auto& option : program_.described) known.push_back(option.name());
    const bool is_dashed = find_option(program_.described, name) != nullptr;
    throw ConfigError(
        "[" + program_.name + "] has no option '" + key + "'" +
        (is_dashed ? "; did you mean '" + name + "'?" : base::did_you_mean(name, known)));
  }

  void refuse_repetition(const Option& option, const ConfigFile::Line& line) {
    const bool is_list = option.kind() == Option::Kind::list;
    const auto name = option.name_in(line.value);
    if (is_list && name.empty()) return;
    const auto [first, is_first] = first_lines_.emplace(option.name() + '\n' + name, line.number);
    if (is_first) return;
    const auto before = std::to_string(first->second);
    throw ConfigError(is_list ? option.name() + " '" + name + "' is in line " + before + " already"
                              : "'" + option.name() + "' has a value in line " + before +
                                    " already, and takes only one");
  }

  /// Whether the parser accepts the value, by itself, so that an error belongs to its line.
  void parse_alone(const options::option& setting) const {
    options::parsed_options parsed(&described_);
    parsed.options.push_back(setting);
    options::variables_map values;
    try {
      options::store(parsed, values);
    } catch (options::error& error) {
      throw ConfigError(sentence_of(error));
    }
  }

  const Program& program_;
  const std::string path_;
  const Depth depth_;
  const options::options_description described_;
  std::vector<options::option> settings_;
  std::map<std::string, std::size_t> first_lines_;
  std::vector<Fault> faults_;
  std::vector<std::string> warnings_;
};

/// The config file that `values` name; none where the usual one is not there.
std::optional<ConfigFile> config_file(const options::variables_map& values) {
  const auto path = values["config"].as<std::string>();
  base::SystemFiles files;
  if (values["config"].defaulted() && !files.open_read(path)) return std::nullopt;
  return ConfigFile::parse(base::read_file(path));
}

void warn(const Program& program, const std::vector<std::string>& warnings) {
  for (const auto& warning : warnings) std::cerr << program.name << ": " << warning << '\n';
}

/// Of the environment and of the config file; ConfigError for the first thing that is wrong.
void read_the_rest(const Program& program, options::variables_map& values) {
  read_environment(program, values);
  if (const auto file = config_file(values)) {
    Section section(program, values["config"].as<std::string>(), Section::Depth::text);
    section.read(*file, false);
    if (const auto faults = section.faults(); !faults.empty()) throw ConfigError(faults.front());
    warn(program, section.warnings());
    section.store_into(values);
  }
  options::notify(values);
}

void print_help(const Program& program) {
  std::cout << "Usage: " << program.name << ' ' << program.synopsis << "\n"
            << program.purpose << "\n\n"
            << parser_of(program) << "\nSee man " << program.name << " for all of it.\n";
}

/// The values in force, as a config file would give them.
void print_config(const Program& program, const options::variables_map& values) {
  std::cout << '[' << program.name << "]\n";
  for (const auto& option : program.described) {
    for (const auto& text : option.texts_in(values))
      std::cout << option.name() << " = " << text << '\n';
  }
}

/// Has another program check its section of the file at `path`; its messages go to standard error.
/// A program alone knows its options, and those who start one for each record stay small.
bool is_sound_for(const std::string& name, const std::string& path) {
  std::error_code why;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", why);
  auto program = (self.parent_path() / name).string();
  if (why || ::access(program.c_str(), X_OK) != 0) {
    std::cerr << path << ": [" << name << "] is not checked, for '" << program
              << "' is not installed\n";
    return true;
  }
  std::vector<std::string> words = {name, "--config", path, "--check-config",
                                    std::string("--") + kOwnSectionOnly};
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failure =
      ::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) throw IoError("run", program, std::error_code(failure, std::system_category()));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int refuse(const Program& program, const std::vector<std::string>& faults) {
  for (const auto& fault : faults) std::cerr << program.name << ": " << fault << '\n';
  std::cerr << "Try '" << program.name << " --help'.\n";
  return kWrongUse;
}

int check_config(const Program& program, options::variables_map& values) {
  read_environment(program, values);
  const auto path = values["config"].as<std::string>();
  const bool is_own_only = values.count(kOwnSectionOnly) > 0;
  const auto file = config_file(values).value_or(ConfigFile());
  Section section(program, path, Section::Depth::machine);
  section.read(file, !is_own_only);
  auto faults = section.faults();
  warn(program, section.warnings());
  if (faults.empty()) {
    section.store_into(values);
    options::notify(values);
    try {
      if (program.check) program.check(values);
    } catch (const Error& error) {
      faults.emplace_back(error.what());
    }
  }
  bool is_sound = true;
  for (const auto& [name, lines] : file.sections) {
    if (name != program.name && !is_own_only) is_sound &= is_sound_for(name, path);
  }
  if (!faults.empty()) return refuse(program, faults);
  if (!is_sound) return kWrongUse;
  print_config(program, values);
  return kDone;
}

int run_unguarded(int argc, char** argv, const Program& program,
                  const std::function<int(const options::variables_map&)>& body) {
  auto values = read_words({argc, argv}, program);
  if (values["help"].as<bool>()) {
    print_help(program);
    return kDone;
  }
  if (values["version"].as<bool>()) {
    std::cout << program.name << " " MANHATTAN_VERSION "\n";
    return kDone;
  }
  if (values["check-config"].as<bool>()) return check_config(program, values);
  read_the_rest(program, values);
  return body(values);
}

int report(const Program& program, const std::string& message, int exit_code) {
  std::cerr << program.name << ": " << message << '\n';
  return exit_code;
}

}  // namespace

const std::vector<Option>& common_options() {
  static const std::vector<Option> common = {
      text("config", "FILE", "read more options from FILE; the command line wins")
          .by_default(kConfigFile),
      flag("check-config", "check the whole config file, print the options in force and exit"),
      flag("help,h", "print this help and exit"),
      flag("version", "print the version and exit"),
  };
  return common;
}

options::variables_map read_words(options::command_line_parser words, const Program& program) {
  auto all = parser_of(program);
  all.add(program.hidden);
  options::options_description unseen;
  unseen.add_options()(kOwnSectionOnly, "");
  all.add(unseen);
  using Style = options::command_line_style::style_t;
  const int style =
      Style::unix_style & ~Style::allow_guessing;  // an abbreviation would be frozen by scripts
  options::variables_map values;
  try {
    const auto parsed = words.options(all).positional(program.positional).style(style).run();
    options::store(parsed, values);
    check_values(program, parsed);
    std::vector<std::string> typed;
    for (const auto& given : parsed.options) typed.push_back(given.string_key);
    values.emplace(kTyped, options::variable_value(boost::any(typed), false));
  } catch (options::unknown_option& error) {
    const auto name = error.get_option_name();
    throw ConfigError(sentence_of(error) + advice_on(name, program));
  } catch (options::error& error) {
    throw ConfigError(sentence_of(error));
  }
  return values;
}

bool is_typed(const options::variables_map& values, const std::string& name) {
  const auto& typed = values[kTyped].as<std::vector<std::string>>();
  return std::ranges::find(typed, name) != typed.end();
}

options::variables_map reread(int argc, char** argv, const Program& program) {
  try {
    auto values = read_words({argc, argv}, program);
    read_the_rest(program, values);
    return values;
  } catch (const IoError& error) {
    throw ConfigError(error.what());
  }
}

Changes changes_between(const Program& program, const options::variables_map& before,
                        const options::variables_map& now) {
  Changes changes;
  for (const auto& option : program.described) {
    if (option.texts_in(before) == option.texts_in(now)) continue;
    const bool is_taken = option.reload() == Option::Reload::takes_effect;
    (is_taken ? changes.taking_effect : changes.needing_restart).push_back(option.name());
  }
  return changes;
}

std::string enumerated(const std::vector<std::string>& names) {
  std::string all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    all += (i == 0 ? "" : i + 1 < names.size() ? ", " : " and ") + names[i];
  }
  return all;
}

int run(int argc, char** argv, const Program& program,
        const std::function<int(const options::variables_map&)>& body) {
  try {
    return run_unguarded(argc, argv, program, body);
  } catch (const ConfigError& error) {
    return refuse(program, {error.what()});
  } catch (const DamageError& error) {
    return report(program, error.what(), kDamaged);
  } catch (const TimeoutError& error) {
    return report(program, error.what(), kTimedOut);
  } catch (const std::exception& error) {
    return report(program, error.what(), kFailed);
  }
}

}  // namespace manhattan::program
