// SPDX-License-Identifier: MIT
#include "bin/fcgi_options.h"

#include <algorithm>
#include <charconv>
#include <thread>

#include "base/error.h"
#include "base/text.h"

namespace manhattan::program {
namespace {

using Words = std::vector<std::string>;

std::map<std::string, SiteId> sites_of(const Words& words) {
  std::map<std::string, SiteId> sites;
  for (const auto& word : words) {
    const auto equals = word.rfind('=');
    SiteId site = -1;
    const auto* end = word.data() + word.size();
    const auto read =
        std::from_chars(word.data() + std::min(equals, word.size() - 1) + 1, end, site);
    if (equals == word.npos || equals == 0 || read.ec != std::errc{} || read.ptr != end ||
        site < 0) {
      throw ConfigError("--site '" + word + "' is not HOST=NUMBER");
    }
    sites[base::to_lower(word.substr(0, equals))] = site;
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

}  // namespace

std::string text_of(const Values& values, const char* name) {
  return values.count(name) ? values[name].as<std::string>() : std::string();
}

Words list_of(const Values& values, const char* name) {
  return values.count(name) ? values[name].as<Words>() : Words();
}

std::int64_t number_of(const Values& values, const char* name, std::int64_t least,
                       std::int64_t most) {
  const auto number = values[name].as<std::int64_t>();
  if (number >= least && number <= most) return number;
  throw ConfigError("--" + std::string(name) + " must be from " + std::to_string(least) + " to " +
                    std::to_string(most));
}

wrap::Server::Settings server_settings(const Values& values) {
  wrap::Server::Settings settings;
  if (auto upstream = text_of(values, "upstream"); !upstream.empty()) {
    require_no_program(values);
    settings.upstream = std::move(upstream);
  }
  const auto command = list_of(values, "program");
  if (!command.empty()) settings.fixed = wrap::fixed_target(command);
  settings.roots = wrap::resolve_roots(list_of(values, "root"));
  settings.takes_search_words = values["search-words"].as<bool>();
  settings.jobs = static_cast<std::size_t>(number_of(values, "jobs", 1, 10'000));
  settings.silence_limit = std::chrono::seconds(number_of(values, "timeout", 0, 1'000'000));
  return settings;
}

Middleware::Settings middleware_settings(const Values& values) {
  Middleware::Settings settings;
  settings.cookie_name = text_of(values, "cookie");
  const auto& cookie = settings.cookie_name;
  if (cookie.empty() || cookie.find_first_of("=;, \t\r\n\"") != cookie.npos) {
    throw ConfigError("--cookie '" + cookie + "' is no cookie's name");
  }
  settings.pixel_path = text_of(values, "pixel");
  if (settings.pixel_path == "none") settings.pixel_path.clear();
  if (!settings.pixel_path.empty() && !settings.pixel_path.starts_with('/')) {
    throw ConfigError("--pixel '" + settings.pixel_path + "' is neither a path nor none");
  }
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

Program describe_fcgi() {
  const std::int64_t jobs = std::max(16U, 4 * std::thread::hardware_concurrency());
  Program fcgi;
  fcgi.name = "manhattan-fcgi";
  fcgi.synopsis = "[options] [-- program [argument...]]";
  fcgi.purpose = "Runs CGI programs under FastCGI, and records what their visitors do.";
  const auto text = [](const char* name) {
    return options::value<std::string>()->value_name(name);
  };
  const auto list = [](const char* name) { return options::value<Words>()->value_name(name); };
  const auto number = [](const char* name, std::int64_t value) {
    return options::value<std::int64_t>()->value_name(name)->default_value(value);
  };
  // clang-format off
  fcgi.described.add_options()
      ("socket", text("ADDRESS"), "listen on a path or HOST:PORT")
      ("socket-mode", text("MODE"), "who may connect to the path, such as 0660")
      ("socket-owner", text("OWNER"), "USER, USER:GROUP or :GROUP that the path belongs to")
      ("upstream", text("ADDRESS"), "run no program, ask the FastCGI program there")
      ("root", list("FOLDER"), "run no program outside of it, links resolved (may be repeated)")
      ("ring,r", text("PATH")->default_value("/run/manhattan/ring"), "record into this ring; none: into the text log")
      ("path,p", text("PREFIX"), "the text log: where to spill, or with --ring none to write")
      ("secret-file", text("FILE"), "signs the visitors' cookies")
      ("cookie", text("NAME")->default_value("manhattan"), "name of the cookie")
      ("pixel", text("PATH")->default_value("/vpixel.gif"), "URL path of the pixel; none: no pixel")
      ("site", list("HOST=ID"), "number of a host's site; others are 0 (may be repeated)")
      ("trusted-proxy", list("NETWORK"), "believe its X-Forwarded-For (may be repeated)")
      ("respect", text("WISHES")->default_value("none"), "dnt, gpc or dnt,gpc: whose DNT or Sec-GPC is 1 is not recorded")
      ("anonymize", options::bool_switch(), "record addresses as networks: /24 of IPv4, /48 of IPv6")
      ("goal", list("RULE"), "NAME; KEY=VALUE...: record a goal where it fits (may be repeated)")
      ("split", list("RULE"), "NAME; KEY=VALUE...: split visitors where it fits (may be repeated)")
      ("jobs", number("N", jobs), "programs at a time")
      ("timeout", number("SECONDS", 120), "end a program that writes nothing for so long; 0: never")
      ("search-words", options::bool_switch(), "a query without '=' is the program's arguments")
      ("verbose,v", options::bool_switch(), "say more");
  fcgi.hidden.add_options()("program", options::value<Words>());
  // clang-format on
  fcgi.positional.add("program", -1);
  return fcgi;
}

}  // namespace manhattan::program
