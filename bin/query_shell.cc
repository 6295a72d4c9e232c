// SPDX-License-Identifier: MIT
#include "bin/query_shell.h"

#include <editline/readline.h>
#include <langinfo.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "base/error.h"
#include "base/text.h"
#include "bin/query_commands.h"
#include "bin/query_completion.h"
#include "bin/query_names.h"
#include "bin/query_options.h"

namespace manhattan::program {
namespace {

constexpr int kHistoryLines = 1000;
constexpr const char* kPrompt = "manhattan> ";

/// What `ask` says; nothing where the server does not answer.
std::vector<std::string> names_from(Session& session, std::vector<std::string> (*ask)(Session&)) {
  try {
    return ask(session);
  } catch (const std::exception&) {  // a completion that fails must not disturb the line
    return {};
  }
}

/// Names are in UTF-8, and the library drops what its locale does not know.
void read_utf8() {
  const bool is_set = std::setlocale(LC_CTYPE, "") != nullptr;
  if (!is_set || std::string_view(::nl_langinfo(CODESET)) != "UTF-8")
    std::setlocale(LC_CTYPE, "C.UTF-8");
}

/// While a line is typed, Ctrl-C is a key and sends no signal. The library sets the terminal up
/// anew for each line, and calls this afterwards.
int take_signal_keys() { return ::rl_parse_and_bind("setty -d -isig"); }

bool is_line_dropped = false;  // set by the hook below, which has no argument of ours

/// Ctrl-C, which the terminal hands over as a key while a line is typed. The line ends as one
/// without anything in it.
int drop_line(int, int) {
  is_line_dropped = true;
  rl_done = 1;
  return 0;
}

KnownNames known_names(Session& session) {
  KnownNames names;
  names.commands = command_names();
  names.commands.insert(names.commands.end(), {"help", "quit"});
  const auto program = query_program();
  for (const auto* options : {&program.described, &common_options()}) {
    for (const auto& option : *options) names.options.push_back("--" + option.name());
  }
  names.goals = [&session] { return names_from(session, known_goals); };
  names.tests = [&session] { return names_from(session, known_tests); };
  return names;
}

// libedit's hooks are plain functions: they find their names here while a Terminal lives.
const KnownNames* hooked_names = nullptr;

char** complete_hook(const char*, int start, int end) {
  rl_attempted_completion_over = 1;  // no file names
  if (hooked_names == nullptr) return nullptr;
  const auto found =
      complete(std::string(rl_line_buffer, static_cast<std::size_t>(end)), *hooked_names);
  static std::vector<std::string> words;  // read by the generator, which has no argument of ours
  words.clear();
  for (const auto& word : found.words) {
    // libedit replaces from `start`, which is behind a blank inside of a quoted word.
    const auto skipped =
        static_cast<std::size_t>(start) - std::min<std::size_t>(found.start, start);
    const bool is_at_hand = skipped == 0 || rl_line_buffer[found.start] == word.front();
    if (skipped <= word.size() && is_at_hand) words.push_back(word.substr(skipped));
  }
  const auto generate = [](const char*, int state) -> char* {
    return static_cast<std::size_t>(state) < words.size() ? ::strdup(words[state].c_str())
                                                          : nullptr;
  };
  return rl_completion_matches("", generate);
}

/// Lines typed at a terminal, with a history that outlives the program.
class Terminal {
 public:
  explicit Terminal(Session& session) : names_(known_names(session)) {
    hooked_names = &names_;
    rl_readline_name = const_cast<char*>("manhattan-query");
    rl_attempted_completion_function = complete_hook;
    rl_completer_word_break_characters = const_cast<char*>(" \t");
    read_utf8();
    ::rl_initialize();
    rl_pre_input_hook = take_signal_keys;
    ::rl_add_defun("drop-line", drop_line, '\003');
    ::using_history();
    ::stifle_history(kHistoryLines);
    if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
      path_ = std::string(home) + "/.manhattan_query_history";
      ::read_history(path_.c_str());
    }
  }
  ~Terminal() { hooked_names = nullptr; }
  Terminal(const Terminal&) = delete;

  /// What was typed; empty where it was dropped by Ctrl-C, nothing at the end.
  std::optional<std::string> read() {
    is_line_dropped = false;
    const std::unique_ptr<char, decltype(&::free)> line(::readline(kPrompt), &::free);
    if (is_line_dropped) {
      std::cout << "^C\n" << std::flush;
      return "";
    }
    if (!line) return std::nullopt;
    if (*line != '\0') keep(line.get());
    return std::string(line.get());
  }

 private:
  /// At once, for a signal may end the program while it waits for an answer.
  void keep(const char* line) {
    ::add_history(line);
    if (!path_.empty()) ::write_history(path_.c_str());
  }

  KnownNames names_;
  std::string path_;
};

/// A line as if it were a command line of its own, after the options of `base`.
options::variables_map parse(const std::string& line) {
  const auto values = read_words(split_words(line), query_program());
  for (const auto* name : {"connect", "wait"}) {
    if (!values[name].defaulted()) {
      throw ConfigError("--" + std::string(name) +
                        " is for the command line that starts the shell");
    }
  }
  return values;
}

void answer_line(Session& session, const std::string& line, const Question& base,
                 report::Style style) {
  const auto values = parse(line);
  auto question = question_of(values);
  if (question.command == "help") {
    std::cout << command_summary() << "\n  help\n  quit\n";
    return;
  }
  question.options.insert(base.options.begin(), base.options.end());
  if (!question.site) question.site = base.site;
  if (!values["format"].defaulted()) style.format = style_of(values).format;
  std::cout << ask(session, question, style);
}

/// The exit code that the same question would have had as a command.
int guarded(const std::function<void()>& body) {
  int code = kFailed;
  try {
    body();
    return kDone;
  } catch (const std::exception& error) {
    if (dynamic_cast<const ConfigError*>(&error) != nullptr) code = kWrongUse;
    if (dynamic_cast<const DamageError*>(&error) != nullptr) code = kDamaged;
    if (dynamic_cast<const TimeoutError*>(&error) != nullptr) code = kTimedOut;
    std::cerr << "manhattan-query: " << error.what() << '\n';
  }
  return code;
}

int answer_all(const std::function<std::optional<std::string>()>& next,
               const std::function<void(const std::string&)>& answer) {
  int first_failure = kDone;
  while (const auto line = next()) {
    const auto text = std::string(base::trim(*line));
    if (text.empty() || text.starts_with('#')) continue;
    if (text == "quit" || text == "exit") break;
    const int code = guarded([&] { answer(text); });
    if (first_failure == kDone) first_failure = code;
    std::cout << std::flush;
    if (!std::cout) throw IoError("write", "standard output", last_error());
  }
  return first_failure;
}

}  // namespace

int run_shell(Session& session, const Question& base, const report::Style& style) {
  const auto answer = [&](const std::string& line) { answer_line(session, line, base, style); };
  if (::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0) {
    std::cout << "Questions to " << session.endpoint() << "; 'help' lists them, Ctrl-D ends.\n";
    Terminal terminal(session);
    answer_all([&] { return terminal.read(); }, answer);
    std::cout << '\n';
    return kDone;
  }
  const auto next = []() -> std::optional<std::string> {
    std::string line;
    if (!std::getline(std::cin, line)) return std::nullopt;
    return line;
  };
  return answer_all(next, answer);
}

}  // namespace manhattan::program
