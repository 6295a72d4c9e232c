// SPDX-License-Identifier: MIT
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "bin/program.h"
#include "log/ring_log.h"
#include "log/time_rotating_log.h"
#include "wrap/server.h"

namespace manhattan {
namespace {

using Values = program::options::variables_map;
using Words = std::vector<std::string>;

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

Middleware::Settings settings_of(const Values& values) {
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
  settings.proxies = http::TrustedProxies(list_of(values, "trusted-proxy"));
  settings.ring = text_of(values, "ring");
  settings.path_prefix = text_of(values, "path");
  return settings;
}

/// With neither a ring nor a text log there is nothing to record to: programs just run.
bool is_recording(const Values& values) {
  return text_of(values, "ring") != "none" || !text_of(values, "path").empty();
}

std::shared_ptr<const Middleware> load(const Values& values, base::MessageLog& messages) {
  const auto secret_file = text_of(values, "secret-file");
  if (secret_file.empty()) {
    throw ConfigError(
        "--secret-file is missing: it signs the visitors' cookies "
        "(or record nothing: --ring none and no --path)");
  }
  return std::make_shared<const Middleware>(visitor::Signer::from_file(secret_file),
                                            settings_of(values), messages);
}

int serve(const Values& values) {
  using Level = base::MessageLog::Level;
  const base::SystemClock clock;
  base::SystemFiles files;
  base::MessageLog messages("manhattan-fcgi",
                            values["verbose"].as<bool>() ? Level::info : Level::warning);
  wrap::Server::Settings settings;
  const auto command = list_of(values, "program");
  if (!command.empty()) settings.fixed = wrap::fixed_target(command);
  settings.jobs = static_cast<std::size_t>(number_of(values, "jobs", 1, 10'000));
  settings.silence_limit = std::chrono::seconds(number_of(values, "timeout", 0, 1'000'000));
  if (is_recording(values)) {
    settings.load = [&] { return load(values, messages); };
    settings.make_log = [&]() -> std::unique_ptr<Log> {
      const auto ring = text_of(values, "ring"), path = text_of(values, "path");
      if (ring == "none") return std::make_unique<TimeRotatingLog>(path, files, clock);
      return std::make_unique<RingLog>(ring, path, files);
    };
  }
  auto listeners = wrap::Listener::inherited();
  const auto address = text_of(values, "socket");
  wrap::Server server(std::move(settings), messages);
  if (listeners.empty() && std::getenv("GATEWAY_INTERFACE")) {
    server.run_plain_cgi();
    return program::kDone;
  }
  if (listeners.empty() && address.empty()) {
    throw ConfigError("no socket to serve: give --socket, or start it by systemd or spawn-fcgi");
  }
  if (listeners.empty()) listeners.push_back(wrap::Listener::open(address));
  server.run(std::move(listeners));
  return program::kDone;
}

program::Program describe() {
  namespace options = program::options;
  const std::int64_t jobs = std::max(16U, 4 * std::thread::hardware_concurrency());
  program::Program fcgi;
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
      ("ring,r", text("PATH")->default_value("/run/manhattan/ring"), "record into this ring; none: into the text log")
      ("path,p", text("PREFIX"), "the text log: where to spill, or with --ring none to write")
      ("secret-file", text("FILE"), "signs the visitors' cookies")
      ("cookie", text("NAME")->default_value("manhattan"), "name of the cookie")
      ("pixel", text("PATH")->default_value("/vpixel.gif"), "URL path of the pixel; none: no pixel")
      ("site", list("HOST=ID"), "number of a host's site; others are 0 (may be repeated)")
      ("trusted-proxy", list("NETWORK"), "believe its X-Forwarded-For (may be repeated)")
      ("jobs", number("N", jobs), "programs at a time")
      ("timeout", number("SECONDS", 120), "end a program that writes nothing for so long; 0: never")
      ("verbose,v", options::bool_switch(), "say more");
  fcgi.hidden.add_options()("program", options::value<Words>());
  // clang-format on
  fcgi.positional.add("program", -1);
  return fcgi;
}

}  // namespace
}  // namespace manhattan

int main(int argc, char** argv) {
  return manhattan::program::run(argc, argv, manhattan::describe(), manhattan::serve);
}
