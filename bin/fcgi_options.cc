// SPDX-License-Identifier: MIT
#include "bin/fcgi_options.h"

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "log/segment.h"
#include "log/spill.h"
#include "wrap/socket_access.h"
#include "wrap/socket_address.h"

namespace manhattan::program {
namespace {

using Words = std::vector<std::string>;

void check_site_of_host(const std::string& word) {
  const auto equals = word.rfind('=');
  const auto site = equals == word.npos ? std::nullopt : whole_number(word.substr(equals + 1));
  if (equals == word.npos || equals == 0 || !site || *site < 0 || *site > INT32_MAX)
    throw ConfigError("--site '" + word + "' is not HOST=NUMBER");
}

std::map<std::string, SiteId> sites_of(const Words& words) {
  std::map<std::string, SiteId> sites;
  for (const auto& word : words) {
    check_site_of_host(word);
    const auto equals = word.rfind('=');
    sites[base::to_lower(word.substr(0, equals))] =
        static_cast<SiteId>(*whole_number(word.substr(equals + 1)));
  }
  return sites;
}

/// An upstream runs whatever the web server's variables tell it to.
void require_no_program(const Values& values) {
  const char* other = !list_of(values, "program").empty() ? "a program"
                      : !list_of(values, "root").empty()  ? "--root"
                      : values["search-words"].as<bool>() ? "--search-words"
                                                          : nullptr;
  if (other) throw ConfigError("--upstream and " + std::string(other) + " exclude each other");
}

/// An option of the command line that would be left aside in silence. The config file may have it
/// for other instances.
void refuse_unused(const Values& values) {
  for (const auto* name : {"socket-mode", "socket-owner"}) {
    if (is_typed(values, name) && text_of(values, "socket").empty())
      throw ConfigError("--" + std::string(name) + " goes with --socket");
  }
  for (const auto* name : {"memory-mib", "processes"}) {
    if (is_typed(values, name) && !text_of(values, "upstream").empty())
      throw ConfigError("--" + std::string(name) + " goes with programs, and --upstream runs none");
  }
  const bool is_recording = text_of(values, "ring") != "none" || !text_of(values, "path").empty();
  for (const auto* name : {"goal", "split"}) {
    if (is_typed(values, name) && !is_recording)
      throw ConfigError("--" + std::string(name) +
                        " goes with --ring or --path: nothing is recorded without");
  }
}

/// The headers of `--respect dnt,gpc`, as CGI variables.
Words refusals_of(const std::string& text) {
  Words variables;
  for (const auto word : base::split(text, ',')) {
    if (word == "dnt") {
      variables.push_back("HTTP_DNT");
    } else if (word == "gpc") {
      variables.push_back("HTTP_SEC_GPC");
    } else if (text != "none") {
      throw ConfigError("--respect '" + text + "': dnt, gpc, dnt,gpc or none");
    }
  }
  return variables;
}

void check_cookie_name(const std::string& name) {
  if (name.empty() || name.find_first_of("=;, \t\r\n\"") != name.npos)
    throw ConfigError("--cookie '" + name + "' is no cookie's name");
}

void check_pixel(const std::string& path) {
  if (path != "none" && !path.empty() && !path.starts_with('/'))
    throw ConfigError("--pixel '" + path + "' is neither a path nor none");
}

bool exists(const std::string& file) {
  std::error_code unknown;
  return std::filesystem::exists(file, unknown);
}

/// A secret that is not there yet is no fault.
void check_secret(const std::string& file) {
  if (exists(file)) visitor::Signer::from_file(file);
}

/// Something was recorded here before: visitors may have cookies.
bool has_history(const Values& values) {
  const auto ring = text_of(values, "ring"), path = text_of(values, "path");
  if (ring != "none" && exists(ring)) return true;
  if (path.empty() || !exists(base::folder_of(path))) return false;
  base::SystemFiles files;
  return exists(log::spill_path(path)) || !log::Segments(path).list(files).empty();
}

/// For --check-config: what does not go together.
void check_fcgi(const Values& values) {
  server_settings(values);
  middleware_settings(values);
  if (exists(text_of(values, "secret-file"))) signer_of(values);
  const auto address = text_of(values, "socket");
  const bool has_access =
      !text_of(values, "socket-mode").empty() || !text_of(values, "socket-owner").empty();
  if (has_access && !address.empty() && !wrap::SocketAddress::parse(address).is_path())
    throw ConfigError("'" + address + "' is no path: it has neither mode nor owner");
}

}  // namespace

std::string text_of(const Values& values, const char* name) {
  return values.count(name) ? values[name].as<std::string>() : std::string();
}

Words list_of(const Values& values, const char* name) {
  return values.count(name) ? values[name].as<Words>() : Words();
}

wrap::Server::Settings server_settings(const Values& values) {
  refuse_unused(values);
  wrap::Server::Settings settings;
  if (auto upstream = text_of(values, "upstream"); !upstream.empty()) {
    require_no_program(values);
    settings.upstream = std::move(upstream);
  }
  const auto command = list_of(values, "program");
  if (!command.empty()) settings.fixed = wrap::fixed_target(command);
  settings.roots = wrap::resolve_roots(list_of(values, "root"));
  settings.passed = list_of(values, "pass");
  settings.takes_search_words = values["search-words"].as<bool>();
  settings.jobs = static_cast<std::size_t>(values["jobs"].as<std::int64_t>());
  settings.silence_limit = std::chrono::seconds(values["timeout"].as<std::int64_t>());
  settings.time_limit = std::chrono::seconds(values["time-limit"].as<std::int64_t>());
  settings.memory_bytes = static_cast<std::uint64_t>(values["memory-mib"].as<std::int64_t>()) << 20;
  settings.processes = static_cast<std::uint64_t>(values["processes"].as<std::int64_t>());
  return settings;
}

visitor::Signer signer_of(const Values& values) {
  const auto file = text_of(values, "secret-file");
  auto signer = visitor::Signer::from_file(file);
  if (!signer.can_sign() && !has_history(values)) throw ConfigError(why_it_signs_nothing(file));
  return signer;
}

std::string why_it_signs_nothing(const std::string& secret_file) {
  return "no secret in '" + secret_file + "' has " + std::to_string(visitor::Signer::kLeastBytes) +
         " bytes, so that it can be guessed: make one by (umask 077; openssl rand -hex 32 > " +
         secret_file + ")";
}

Middleware::Settings middleware_settings(const Values& values) {
  Middleware::Settings settings;
  settings.cookie_name = text_of(values, "cookie");
  settings.pixel_path = text_of(values, "pixel");
  if (settings.pixel_path == "none") settings.pixel_path.clear();
  settings.sites = sites_of(list_of(values, "site"));
  settings.refusals = refusals_of(text_of(values, "respect"));
  settings.is_anonymized = values["anonymize"].as<bool>();
  settings.proxies = http::TrustedProxies(list_of(values, "trusted-proxy"));
  for (const auto& rule : list_of(values, "goal")) {
    settings.goals.push_back(wrap::GoalRule::parse(rule));
  }
  for (const auto& rule : list_of(values, "split")) {
    settings.splits.push_back(wrap::SplitRule::parse(rule));
  }
  wrap::check_splits(settings.splits);
  settings.ring = text_of(values, "ring");
  settings.path_prefix = text_of(values, "path");
  return settings;
}

Program fcgi_program() {
  const std::int64_t jobs = std::max(16U, 4 * std::thread::hardware_concurrency());
  Program fcgi;
  fcgi.name = "manhattan-fcgi";
  fcgi.synopsis = "[options] [-- program [argument...]]";
  fcgi.purpose = "Runs CGI programs under FastCGI, and records what their visitors do.";
  const auto has_address = [](const std::string& text) { wrap::SocketAddress::parse(text); };
  const auto is_owner = [](const std::string& text) { wrap::SocketAccess::parse("", text); };
  const auto is_root = [](const std::string& folder) { wrap::resolve_roots({folder}); };
  const auto is_mode = [](const std::string& mode) { wrap::SocketAccess::parse(mode, ""); };
  const auto is_pattern = [](const std::string& name) { wrap::PassedVariables({name}, false); };
  const auto is_network = [](const std::string& text) { http::TrustedProxies({text}); };
  const auto is_respect = [](const std::string& text) { refusals_of(text); };
  const auto is_goal = [](const std::string& rule) { wrap::GoalRule::parse(rule); };
  const auto is_split = [](const std::string& rule) { wrap::SplitRule::parse(rule); };
  // clang-format off
  fcgi.described = {
      text("socket", "ADDRESS", "listen on a path or HOST:PORT")
          .checked_by(wrap::SocketAddress::check).checked_on_machine(has_address).at_restart(),
      text("socket-mode", "MODE", "who may connect to the path, such as 0660")
          .checked_by(is_mode).at_restart(),
      text("socket-owner", "OWNER", "USER, USER:GROUP or :GROUP that the path belongs to")
          .checked_on_machine(is_owner).at_restart(),
      text("upstream", "ADDRESS", "run no program, ask the FastCGI program there")
          .checked_by(wrap::SocketAddress::check).checked_on_machine(has_address).at_restart(),
      list("root", "FOLDER", "run no program outside of it, links resolved (may be repeated)")
          .checked_on_machine(is_root).at_restart(),
      list("pass", "NAME", "let programs see this variable of the web server's, too; NAME* for all that begin so (may be repeated)")
          .checked_by(is_pattern).at_restart(),
      text("ring,r", "PATH", "record into this ring; none: into the text log")
          .by_default("/run/manhattan/ring").at_restart(),
      text("path,p", "PREFIX", "the text log: where to spill, or with --ring none to write")
          .at_restart(),
      text("secret-file", "FILE", "signs the visitors' cookies")
          .checked_on_machine(check_secret).on_reload(),
      text("cookie", "NAME", "name of the cookie")
          .by_default("manhattan").checked_by(check_cookie_name).on_reload(),
      text("pixel", "PATH", "URL path of the pixel; none: no pixel")
          .by_default("/vpixel.gif").checked_by(check_pixel).on_reload(),
      list("site", "HOST=ID", "number of a host's site; others are 0 (may be repeated)")
          .checked_by(check_site_of_host).on_reload(),
      list("trusted-proxy", "NETWORK", "believe its X-Forwarded-For (may be repeated)")
          .checked_by(is_network).on_reload(),
      text("respect", "WISHES", "dnt, gpc or dnt,gpc: whose DNT or Sec-GPC is 1 is not recorded")
          .by_default("none").checked_by(is_respect).on_reload(),
      flag("anonymize", "record addresses as networks: /24 of IPv4, /48 of IPv6").on_reload(),
      list("goal", "RULE", "NAME; KEY=VALUE...: record a goal where it fits (may be repeated)")
          .free_text().checked_by(is_goal).on_reload(),
      list("split", "RULE", "NAME; KEY=VALUE...: split visitors where it fits (may be repeated)")
          .free_text().checked_by(is_split).on_reload(),
      number("jobs", "N", "programs at a time")
          .by_default(jobs).documented_default("4 a processor, at least 16").between(1, 10'000).at_restart(),
      number("timeout", "SECONDS", "end a program that writes nothing for so long; 0: never")
          .by_default(120).between(0, 1'000'000).at_restart(),
      number("time-limit", "SECONDS", "end a program whose answer is not over after so long; 0: never")
          .by_default(7200).between(0, 100'000'000).at_restart(),
      number("memory-mib", "N", "memory that a program may map, in MiB; 0: no limit of ours")
          .by_default(0).between(0, std::int64_t{1} << 30).at_restart(),
      number("processes", "N", "processes and threads that a program's user may have; 0: no limit of ours")
          .by_default(0).between(0, 4'194'304).at_restart(),
      flag("search-words", "a query without '=' is the program's arguments").at_restart(),
      flag("verbose,v", "say more").on_reload()};
  // clang-format on
  fcgi.check = check_fcgi;
  fcgi.hidden.add_options()("program", options::value<Words>());
  fcgi.positional.add("program", -1);
  return fcgi;
}

}  // namespace manhattan::program
