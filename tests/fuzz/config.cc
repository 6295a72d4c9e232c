// SPDX-License-Identifier: MIT
// The config file and the rules in it.
#include <sys/mman.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "bin/fcgi_options.h"
#include "bin/program.h"
#include "bin/server_options.h"
#include "count/complex_goal.h"
#include "count/rollup.h"
#include "tests/fuzz/targets.h"
#include "wrap/rules.h"

namespace manhattan::fuzz {
namespace {

/// Calls `body`, which may find its text wrong but nothing else.
template <typename Body>
void may_refuse(const Body& body) {
  try {
    body();
  } catch (const ConfigError& error) {
    require(error.what()[0] != '\0', "a refusal says why");
  }
}

/// A program's options by the config file that is open as `path`.
program::options::variables_map read(program::Program described, std::string path) {
  std::string name = described.name, option = "--config";
  char* arguments[] = {name.data(), option.data(), path.data(), nullptr};
  return program::reread(3, arguments, std::move(described));
}

}  // namespace

void config(std::string_view bytes) {
  const base::UniqueFd file(::memfd_create("config", MFD_CLOEXEC));
  require(::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
          "there is memory for a config file");
  const auto path = "/proc/self/fd/" + std::to_string(file.get());
  may_refuse([&] { program::middleware_settings(read(program::fcgi_program(), path)); });
  may_refuse([&] { program::server_options(read(program::server_program(), path)); });
}

void rules(std::string_view bytes) {
  may_refuse([&] {
    const auto rule = wrap::GoalRule::parse(bytes);
    require(!rule.name.empty(), "a goal's rule has a name");
  });
  may_refuse([&] {
    const auto rule = wrap::SplitRule::parse(bytes);
    require(rule.choose("visitor") == rule.choose("visitor"), "a choice is the same again");
  });
  may_refuse([&] { count::parse_rollup(std::string(bytes), "UTC"); });
  may_refuse([&] {
    const auto text = count::to_string(count::parse_complex_goal(std::string(bytes)));
    require(count::to_string(count::parse_complex_goal(text)) == text,
            "a complex goal is written as it is read");
  });
}

}  // namespace manhattan::fuzz
