// SPDX-License-Identifier: MIT
// Holds what the descriptions of options say against the man pages, and reads config files by them.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE options
#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/files.h"
#include "base/near_name.h"
#include "base/text.h"
#include "bin/config_file.h"
#include "bin/event_options.h"
#include "bin/fcgi_options.h"
#include "bin/log_options.h"
#include "bin/query_options.h"
#include "bin/replay_options.h"
#include "bin/report_options.h"
#include "bin/server_options.h"

namespace manhattan::program {
namespace {

struct Page {
  const char* file;
  Program (*program)();
};
std::ostream& operator<<(std::ostream& out, const Page& page) { return out << page.file; }

const Page kPages[] = {
    {"man/manhattan-event.1", event_program},   {"man/manhattan-fcgi.8", fcgi_program},
    {"man/manhattan-log.1", log_program},       {"man/manhattan-query.1", query_program},
    {"man/manhattan-replay.1", replay_program}, {"man/manhattan-report.8", report_program},
    {"man/manhattan-server.8", server_program},
};
const Page kReloading[] = {kPages[1], kPages[6]};

/// The lines of a page that describe one option, without mdoc's macros.
std::string paragraph_of(const std::string& page, const std::string& option) {
  std::istringstream lines(page.substr(page.find("\n.Sh OPTIONS\n")));
  std::string line, paragraph;
  bool is_inside = false;
  while (std::getline(lines, line) && !(line.starts_with(".Sh ") && line != ".Sh OPTIONS")) {
    if (line.starts_with(".It Fl"))
      is_inside = (line + ' ').find("Fl -" + option + ' ') != std::string::npos ||
                  (line + ' ').find(", -" + option + ' ') != std::string::npos;
    if (is_inside) paragraph += line + '\n';
  }
  return paragraph;
}

std::string cell(const std::string& text) { return text.empty() ? "\\(em" : text; }

std::string effect_of(const Option& option) {
  return option.reload() == Option::Reload::takes_effect ? "takes effect" : "needs a restart";
}

constexpr const char* kTableBegin = ".Bl -column \"password-file\" ";

/// The table in the page of a program that reads its options again.
std::string table_of(const Program& program) {
  auto table = std::string(kTableBegin) +
               "\"/usr/share/uap-core/regexes.yaml\" \"needs a restart\"\n"
               ".It Em option Ta Em default Ta Em after a reload\n";
  for (const auto& option : program.described) {
    table += ".It Cm " + option.name() + " Ta " + cell(option.default_text()) + " Ta " +
             effect_of(option) + '\n';
  }
  return table + ".El\n";
}

BOOST_DATA_TEST_CASE(pages_tell_each_default, boost::unit_test::data::make(kPages), page) {
  const auto text = base::read_file(page.file);
  for (const auto& option : page.program().described) {
    const auto paragraph = paragraph_of(text, option.name());
    BOOST_TEST(!paragraph.empty(), "--" << option.name() << " is in no paragraph");
    const bool is_told = paragraph.find(option.default_text()) != std::string::npos ||
                         text.find(table_of(page.program())) != std::string::npos;
    BOOST_TEST(is_told, "--" << option.name() << ": no word of '" << option.default_text() << "'");
  }
}

// GOLDEN=write puts the tables into the pages.
BOOST_DATA_TEST_CASE(pages_tell_what_a_reload_does, boost::unit_test::data::make(kReloading),
                     page) {
  auto text = base::read_file(page.file);
  const auto begin = text.find(kTableBegin);
  BOOST_REQUIRE(begin != std::string::npos);
  const auto end = text.find("\n.El\n", begin) + 5;
  const auto table = table_of(page.program());
  if (std::getenv("GOLDEN") != nullptr)
    std::ofstream(page.file) << text.replace(begin, end - begin, table);
  else
    BOOST_TEST(text.substr(begin, end - begin) == table);
}

BOOST_DATA_TEST_CASE(every_option_of_a_server_says_what_a_reload_does,
                     boost::unit_test::data::make(kReloading), page) {
  for (const auto& option : page.program().described)
    BOOST_TEST((option.reload() != Option::Reload::not_read), option.name());
}

BOOST_DATA_TEST_CASE(defaults_pass_their_own_check, boost::unit_test::data::make(kPages), page) {
  const auto program = page.program();
  std::string name = program.name, option = "--config", file = "/dev/null";
  char* words[] = {name.data(), option.data(), file.data(), nullptr};
  const auto values = reread(3, words, program);
  for (const auto& each : program.described) {
    if (each.kind() == Option::Kind::flag) continue;
    for (const auto& text : each.texts_in(values)) BOOST_CHECK_NO_THROW(each.check(text));
  }
}

struct FileCase {
  const char* says;
  const char* text;
  const char* expected;  ///< `key=value;` of [manhattan-server], then `line: fault;`
};
std::ostream& operator<<(std::ostream& out, const FileCase& c) { return out << c.says; }

const FileCase kFiles[] = {
    {"blanks do not count", "[manhattan-server]\n  a \t=  b c  \n", "a=b c;"},
    {"a comment begins at the start of a line", "[manhattan-server]\n# x\n\t# y\na = b # c\n",
     "a=b # c;"},
    {"the first equals sign divides", "[manhattan-server]\na = b=c\n", "a=b=c;"},
    {"lines may end in CR LF", "[manhattan-server]\r\na = b\r\n", "a=b;"},
    {"a byte order mark is none of the file", "\xef\xbb\xbf[manhattan-server]\na = b\n", "a=b;"},
    {"the last line needs no newline", "[manhattan-server]\na = b", "a=b;"},
    {"quotes and semicolons belong to the value", "[manhattan-server]\na = \"b\"; c\n",
     "a=\"b\"; c;"},
    {"blanks in a heading do not count", "[ manhattan-server ]\na = b\n", "a=b;"},
    {"a section may stand twice",
     "[manhattan-server]\na = b\n[manhattan-log]\na = x\n"
     "[manhattan-server]\nc = d\n",
     "a=b;c=d;"},
    {"an empty value is one", "[manhattan-server]\na =\n", "a=;"},
    {"a line before the first heading is told", "a = b\n[manhattan-server]\n", "1: it stands;"},
    {"a line without an equals sign is told", "[manhattan-server]\nverbose\n",
     "2: 'verbose' has no '=';"},
    {"a line without a key is told", "[manhattan-server]\n= b\n", "2: no key;"},
    {"a heading without its end is told", "[manhattan-server\na = b\n",
     "a=b;1: '[manhattan-server';"},
    {"a comment behind a heading is told", "[manhattan-server] # x\na = b\n",
     "a=b;1: nothing may;"},
    {"a near section is told", "[manhatan-server]\na = b\n", "1: there is no program;"},
    {"so is one without its prefix", "[server]\na = b\n", "1: there is no program 'server';"},
    {"another's is no fault", "[other]\na = b\n", ""},
    {"a comment by a semicolon is told", "[manhattan-server]\n; x\n", "2: a comment begins;"},
};

BOOST_DATA_TEST_CASE(config_files_are_read, boost::unit_test::data::make(kFiles), c) {
  const auto file = ConfigFile::parse(c.text);
  std::string expected = c.expected, found;
  if (const auto section = file.sections.find("manhattan-server"); section != file.sections.end()) {
    for (const auto& line : section->second) found += line.key + '=' + line.value + ';';
  }
  for (const auto& fault : file.faults) {
    auto told = std::to_string(fault.number) + ": " + fault.what;
    const auto due = expected.substr(std::min(found.size(), expected.size()));
    if (due.size() > 1 && told.starts_with(due.substr(0, due.size() - 1)))
      told.resize(due.size() - 1);
    found += told + ';';
  }
  BOOST_TEST(found == expected);
}

struct NearCase {
  const char* typed;
  const char* known;
  bool is_near;
};
std::ostream& operator<<(std::ostream& out, const NearCase& c) {
  return out << '\'' << c.typed << "' for '" << c.known << '\'';
}

const NearCase kNear[] = {
    {"order placed", "Order Placed", true},
    {"Order_Placed", "Order Placed", true},
    {"cafe", "caf\xc3\xa9", true},
    {"conut", "count", true},
    {"pth", "path", true},
    {"dy", "day", true},
    {"a", "A", true},
    {"a", "b", false},
    {"Step 2", "Step 1", false},
    {"cart", "shop", false},
    {"manhatan-server", "manhattan-server", true},
    {"Order Placed", "Order Shipped", false},
    {"Order Placed", "Order Placed", false},
};

BOOST_DATA_TEST_CASE(near_names_are_found, boost::unit_test::data::make(kNear), c) {
  BOOST_TEST(base::near_name(c.typed, {c.known}).has_value() == c.is_near);
}

}  // namespace
}  // namespace manhattan::program
