// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace manhattan::program {

/// The lines of a config file, as manhattan.conf(5) lays them out; what the keys mean is left to
/// the programs.
struct ConfigFile {
  struct Line {
    std::size_t number = 0;
    std::string key;
    std::string value;  ///< without the blanks around it
  };
  struct Fault {
    std::size_t number = 0;
    std::string what;
    /// The program whose section the line belongs to, or whose name a wrong heading comes near:
    /// that one can't start. Empty: no program minds, but for --check-config.
    std::string section;
  };

  std::map<std::string, std::vector<Line>> sections;  ///< of programs
  std::vector<Fault> faults;                          ///< by line
  std::vector<Fault> warnings;                        ///< sections of nobody, whom nobody minds

  static ConfigFile parse(std::string_view text);
};

/// Every program that may have a section.
const std::vector<std::string>& program_names();

}  // namespace manhattan::program
