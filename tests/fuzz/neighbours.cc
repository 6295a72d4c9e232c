// SPDX-License-Identifier: MIT
// What neighbours of the machine choose: the variables of a FastCGI request, the names in a folder.
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "http/request.h"
#include "log/segment.h"
#include "log/spill.h"
#include "tests/fuzz/targets.h"
#include "wrap/passed_variables.h"
#include "wrap/target.h"

namespace manhattan::fuzz {
namespace {

/// A folder of programs, for the time of the process, with links that lead out of it.
class Programs {
 public:
  Programs() : folder_(made_folder()) {
    std::filesystem::create_directories(root() + "/below");
    for (const char* name : {"/shop", "/below/cart"}) {
      std::ofstream(root() + name) << "#!/bin/sh\n";
      ::chmod((root() + name).c_str(), 0755);
    }
    std::ofstream(root() + "/text") << "no program\n";
    std::filesystem::create_symlink("shop", root() + "/within");
    std::filesystem::create_symlink("/bin/sh", root() + "/out");
    std::filesystem::create_symlink("/bin", root() + "/bin");
    std::filesystem::create_symlink("round", root() + "/round");
  }
  ~Programs() { std::filesystem::remove_all(folder_); }
  std::string root() const { return folder_ + "/root"; }

 private:
  static std::string made_folder() {
    auto folder = (std::filesystem::temp_directory_path() / "manhattan-fuzz-XXXXXX").string();
    require(::mkdtemp(folder.data()) != nullptr, "there is a folder for temporary files");
    return std::filesystem::canonical(folder).string();
  }

  std::string folder_;
};

template <typename Take>
void each_line(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    take(bytes.substr(0, end));
    bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
  }
}

bool is_dangerous(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "BASH_ENV",   "ENV",           "PERL5LIB",       "PERL5OPT",          "PYTHONPATH",
      "PATH",       "IFS",           "GLIBC_TUNABLES", "PHP_VALUE",         "PHP_ADMIN_VALUE",
      "HTTP_PROXY", "SSL_CERT_FILE", "SSL_KEYLOGFILE", "MANHATTAN_VISITOR", "MANHATTAN_RING"};
  return std::ranges::find(kNames, name) != std::end(kNames) || name.starts_with("LD_");
}

void run_what_is_named(http::Environment& environment) {
  static const Programs programs;
  static const auto roots = wrap::resolve_roots({programs.root()});
  // Paths of the input lie below the root, so that it finds what is there.
  environment.set("DOCUMENT_ROOT", programs.root());
  if (environment.has("SCRIPT_FILENAME")) {
    environment.set("SCRIPT_FILENAME",
                    programs.root() + std::string(environment.get("SCRIPT_FILENAME")));
  }
  const auto found = wrap::find_target(environment, roots);
  if (const auto* refusal = std::get_if<wrap::Refusal>(&found)) {
    require(refusal->status_text[0] == '4' && !refusal->why.empty(), "a refusal says why");
    return;
  }
  const auto& target = std::get<wrap::Target>(found);
  require(target.program == programs.root() + "/shop" ||
              target.program == programs.root() + "/below/cart",
          "only programs below the root run, by their own path");
  require(target.program.starts_with(target.folder) && target.file && target.arguments.empty(),
          "in their own folder, and it is that very file");
  require(environment.get("SCRIPT_FILENAME") == target.program, "and the program is told so");
}

/// Only names: nothing is ever opened.
class Names final : public base::SystemFiles {
 public:
  explicit Names(std::vector<std::string> names) : names_(std::move(names)) {}
  std::vector<std::string> list(const std::string&) override { return names_; }

 private:
  std::vector<std::string> names_;
};

}  // namespace

void environments(std::string_view bytes) {
  static const wrap::PassedVariables bound({"SHOP_*"}, true), unbound({}, false);
  static base::MessageLog messages("fuzz", base::MessageLog::Level::error);
  static const http::TrustedProxies proxies({"10.0.0.0/8"});
  http::Environment environment, fixed;
  each_line(bytes, [&](std::string_view line) {
    environment.add(line);
    fixed.add(line);
  });
  const auto unfiltered = fixed.block().size();
  bound.apply(environment, messages);
  unbound.apply(fixed, messages);
  require(environment.block().size() <= unfiltered, "nothing is added");
  for (const auto* each : {&environment, &fixed}) {
    for (const char* variable : each->block()) {
      if (variable == nullptr) continue;
      const std::string_view text(variable);
      const auto name = text.substr(0, text.find('='));
      require(text.find('=') != text.npos && !name.empty(), "a variable has a name and a value");
      require(!is_dangerous(name), "nothing passes that has a program run other code");
      require(std::ranges::count_if(each->block(),
                                    [&](const char* other) {
                                      return other != nullptr &&
                                             std::string_view(other).starts_with(std::string(name) +
                                                                                 "=");
                                    }) == 1,
              "a name is there once");
    }
  }
  static_cast<void>(http::make_request(environment, proxies));
  run_what_is_named(environment);

  const auto whole = std::string(fixed.get("SCRIPT_NAME")) + std::string(fixed.get("PATH_INFO"));
  const bool is_split_by_server = fixed.get("SCRIPT_NAME") != fixed.get("DOCUMENT_URI");
  const auto refusal = wrap::place_fixed_target({"/srv/shop", "/srv", {}}, fixed);
  require(refusal.has_value() == !fixed.has("REQUEST_METHOD"), "a web server names the method");
  if (refusal || !is_split_by_server) return;
  require(std::string(fixed.get("SCRIPT_NAME")) + std::string(fixed.get("PATH_INFO")) == whole,
          "a path is only cut in two");
}

void file_names(std::string_view bytes) {
  const std::string prefix = "/var/log/manhattan/log";
  std::vector<std::string> names;
  each_line(bytes, [&](std::string_view line) { names.emplace_back(line); });
  const auto has = [&](const std::string& path) {
    return std::ranges::find(names, path.substr(prefix.size() - 3)) != names.end();
  };

  Names files(names);
  std::string told;
  log::Segments segments(prefix, [&](const std::string& what) { told += what; });
  std::int64_t last_s = -1;
  for (const auto& path : segments.list(files)) {
    const auto hour_s = log::segment_hour_s(path, prefix);
    require(hour_s && *hour_s > last_s, "hours come in their order, each once");
    last_s = *hour_s;
    require(log::segment_path(prefix, UnixNanos(std::chrono::seconds(*hour_s))) == path,
            "a segment is named as we name it");
    require(has(path) || has(path + ".gz") || has(path + ".zst"), "and is there");
  }
  for (const auto& name : names) {
    const auto path = "/var/log/manhattan/" + name;
    const auto number = log::spill_number(path, prefix);
    require(!number || !log::segment_hour_s(path, prefix), "a spill file is no hour");
    if (!number) continue;
    require(log::spill_path(prefix) + "." + std::to_string(*number) == path,
            "a spill file is named as we name it");
    require(*number + 1 > *number, "and there is a number behind it");
  }
}

}  // namespace manhattan::fuzz
