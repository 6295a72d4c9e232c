// SPDX-License-Identifier: MIT
#include "wrap/target.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"

namespace manhattan::wrap {
namespace {

constexpr const char* kNotFound = "404 Not Found";
constexpr const char* kForbidden = "403 Forbidden";
constexpr const char* kBadGateway = "502 Bad Gateway";
constexpr const char* kOfNginx =
    " (in nginx, a location with a fastcgi_param of its own has to include nginx-manhattan.conf)";

Refusal refusal(const char* status_text, const std::string& path, int why) {
  return {status_text, "cannot run '" + path + "': " + std::generic_category().message(why)};
}

bool climbs(std::string_view path) {
  for (const auto part : base::split(path, '/')) {
    if (part == "..") return true;
  }
  return false;
}

/// 0: an executable file; else the errno that tells why not.
int check(const std::string& path) noexcept {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  if (!S_ISREG(status.st_mode)) return EACCES;
  return ::access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

Refusal file_refusal(const std::string& path, int why) {
  const bool is_missing = why == ENOENT || why == ENOTDIR || why == ENAMETOOLONG || why == ELOOP;
  return refusal(is_missing ? kNotFound : kForbidden, path, why);
}

/// Some servers take a folder for the program, and the rest for PATH_INFO: joins the two again.
void join_path_info(std::string& path, http::Environment& environment) {
  const std::string rest(environment.get("PATH_INFO"));
  if (!rest.starts_with('/') || check(path) != EISDIR) return;
  path += rest;
  environment.set("SCRIPT_NAME", std::string(environment.get("SCRIPT_NAME")) + rest);
  environment.set("SCRIPT_FILENAME", path);
  environment.remove("PATH_INFO");
  environment.remove("PATH_TRANSLATED");
}

/// RFC 3875's variables of what follows the program in a URL's path.
void set_path_info(std::string_view rest, http::Environment& environment) {
  const auto translated = std::string(environment.get("DOCUMENT_ROOT")).append(rest);
  environment.set("PATH_INFO", rest);
  environment.set("PATH_TRANSLATED", translated);
}

/// Cuts `path` back to the file in it and sets PATH_INFO to the rest. Why there is none, as errno.
int split_path_info(std::string& path, http::Environment& environment) {
  const int first_why = check(path);
  if (first_why != ENOTDIR) return first_why;
  auto program = path;
  int why = ENOTDIR;
  while (why == ENOTDIR && program.rfind('/') > 0 && program.rfind('/') != program.npos) {
    program.resize(program.rfind('/'));
    why = check(program);
  }
  if (why != 0) return why;
  const auto rest = path.substr(program.size());
  const std::string name(environment.get("SCRIPT_NAME"));
  if (name.ends_with(rest)) {
    environment.set("SCRIPT_NAME", name.substr(0, name.size() - rest.size()));
  }
  set_path_info(rest, environment);
  environment.set("SCRIPT_FILENAME", program);
  path = std::move(program);
  return 0;
}

/// How much of the URL's path `whole` is the program's name, where `rest` of it is PATH_INFO as
/// yet.
std::size_t name_size(std::string_view whole, std::string_view rest,
                      const http::Environment& environment) {
  auto location = environment.get("MANHATTAN_LOCATION");
  while (location.ends_with('/')) location.remove_suffix(1);
  if (environment.has("MANHATTAN_LOCATION") && whole.starts_with(location) &&
      (whole.size() == location.size() || whole[location.size()] == '/')) {
    return location.size();
  }
  return rest.empty() ? 0 : whole.size() - rest.size();
}

/// Opens what lies at `path`, which has no links, below `root`; nothing where it does not any more.
base::UniqueFd open_below(const std::string& root, const std::string& path) {
  const base::UniqueFd folder(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  return base::UniqueFd(static_cast<int>(
      ::syscall(SYS_openat2, folder.get(), path.c_str() + root.size(), &how, sizeof how)));
}

/// The target at `path` if that is below one of `roots`, links resolved.
std::optional<Target> target_below(const std::string& path, const std::vector<std::string>& roots) {
  std::error_code why;
  auto resolved = std::filesystem::canonical(path, why).string();
  if (why) return {};
  for (const auto& root : roots) {
    if (!resolved.starts_with(root)) continue;
    auto file = open_below(root, resolved);
    // Everything else about it was checked by `path`, which may have changed meanwhile.
    if (!file || check("/proc/self/fd/" + std::to_string(file.get())) != 0) return {};
    auto folder = base::folder_of(resolved);
    return Target{std::move(resolved), std::move(folder), {}, std::move(file)};
  }
  return {};
}

}  // namespace

std::vector<std::string> resolve_roots(const std::vector<std::string>& folders) {
  std::vector<std::string> roots;
  for (const auto& folder : folders) {
    std::error_code why;
    auto root = std::filesystem::canonical(folder, why).string();
    if (!why && !std::filesystem::is_directory(root)) {
      why = std::make_error_code(std::errc::not_a_directory);
    }
    if (why) throw ConfigError("root '" + folder + "': " + why.message());
    if (!root.ends_with('/')) root += '/';
    roots.push_back(std::move(root));
  }
  return roots;
}

std::variant<Target, Refusal> find_target(http::Environment& environment,
                                          const std::vector<std::string>& roots) {
  std::string path(environment.get("SCRIPT_FILENAME"));
  if (path.empty()) {
    path.append(environment.get("DOCUMENT_ROOT")).append(environment.get("SCRIPT_NAME"));
  }
  if (path.empty()) {
    return Refusal{kNotFound, std::string("the web server sent neither SCRIPT_FILENAME nor "
                                          "SCRIPT_NAME") +
                                  kOfNginx};
  }
  join_path_info(path, environment);
  if (climbs(path)) return Refusal{kForbidden, "cannot run '" + path + "': '..' in its path"};
  if (const int why = split_path_info(path, environment)) return file_refusal(path, why);
  if (roots.empty()) {
    auto folder = base::folder_of(path);
    return Target{std::move(path), std::move(folder), {}};
  }
  auto target = target_below(path, roots);
  if (!target) return Refusal{kForbidden, "cannot run '" + path + "': it is in none of the roots"};
  environment.set("SCRIPT_FILENAME", target->program);
  return std::move(*target);
}

Target fixed_target(const std::vector<std::string>& command) {
  std::string program = command.front();
  if (program.find('/') == program.npos) {
    const char* path = std::getenv("PATH");
    for (const auto folder : base::split(path ? path : "/usr/local/bin:/usr/bin:/bin", ':')) {
      const auto candidate = std::string(folder) + "/" + command.front();
      if (check(candidate) != 0) continue;
      program = candidate;
      break;
    }
  }
  std::error_code ignored;  // of a working directory that is gone: the path then stays relative
  const auto absolute = std::filesystem::absolute(program, ignored).string();
  if (!absolute.empty()) program = absolute;
  return {program, base::folder_of(program), {command.begin() + 1, command.end()}};
}

std::optional<Refusal> place_fixed_target(const Target& target, http::Environment& environment) {
  if (!environment.has("REQUEST_METHOD")) {
    return Refusal{kNotFound, std::string("the web server sent no REQUEST_METHOD") + kOfNginx};
  }
  if (base::name_of(target.program).starts_with("php")) return {};
  const std::string rest(environment.get("PATH_INFO"));
  std::string whole(environment.get("SCRIPT_NAME"));
  // nginx's $fastcgi_script_name is the whole path, also where a site's own PATH_INFO is its end.
  const bool is_whole = whole == environment.get("DOCUMENT_URI") && whole.ends_with(rest);
  if (!is_whole) whole += rest;
  const auto size = name_size(whole, rest, environment);
  environment.set("SCRIPT_NAME", std::string_view(whole).substr(0, size));
  if (size < whole.size()) set_path_info(std::string_view(whole).substr(size), environment);
  return {};
}

void replace_program(Target& target, const std::string& program, http::Environment& environment) {
  target.file.reset();
  target.program = program;
  target.folder = base::folder_of(program);
  environment.set("SCRIPT_FILENAME", program);
}

std::optional<Refusal> check_target(const Target& target) {
  if (const int why = check(target.program)) return file_refusal(target.program, why);
  return {};
}

Refusal refusal_of(const Target& target, int why) {
  if (why == E2BIG) return refusal("431 Request Header Fields Too Large", target.program, why);
  if (why == EAGAIN || why == ENOMEM) {
    return refusal("503 Service Unavailable", target.program, why);
  }
  if (auto refused = check_target(target)) return *refused;
  // The file is there and may be run: its interpreter is missing, or it is no program.
  auto result = refusal(kBadGateway, target.program, why);
  if (why == ENOENT) result.why += " (its interpreter, in the first line)";
  return result;
}

}  // namespace manhattan::wrap
