// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <functional>

#include "base/error.h"
#include "base/files.h"
#include "bin/fcgi_options.h"
#include "log/ring_log.h"
#include "log/time_rotating_log.h"
#include "wrap/server.h"

namespace manhattan {
namespace {

using program::text_of;
using program::Values;

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
                                            program::middleware_settings(values), messages);
}

/// `reread` gives the options as they are by now.
int serve(const Values& values, const std::function<Values()>& reread) {
  using Level = base::MessageLog::Level;
  const base::SystemClock clock;
  base::SystemFiles files;
  base::MessageLog messages("manhattan-fcgi",
                            values["verbose"].as<bool>() ? Level::info : Level::warning);
  auto settings = program::server_settings(values);
  if (is_recording(values)) {
    RingLog::survive_cut_rings();
    settings.load = [&] { return load(reread(), messages); };
    settings.make_log = [&]() -> std::unique_ptr<Log> {
      const auto ring = text_of(values, "ring"), path = text_of(values, "path");
      if (ring == "none") return std::make_unique<TimeRotatingLog>(path, files, clock);
      return std::make_unique<RingLog>(ring, path, files);
    };
  }
  auto listeners = wrap::Listener::inherited();
  const auto address = text_of(values, "socket");
  const auto access =
      wrap::SocketAccess::parse(text_of(values, "socket-mode"), text_of(values, "socket-owner"));
  wrap::Server server(std::move(settings), messages);
  if (listeners.empty() && std::getenv("GATEWAY_INTERFACE")) {
    server.run_plain_cgi();
    return program::kDone;
  }
  if (listeners.empty() && address.empty()) {
    throw ConfigError("no socket to serve: give --socket, or start it by systemd or spawn-fcgi");
  }
  if (listeners.empty()) listeners.push_back(wrap::Listener::open(address, access));
  messages.info("serving on " + (address.empty() ? "inherited sockets" : address));
  server.run(std::move(listeners));
  return program::kDone;
}

}  // namespace
}  // namespace manhattan

int main(int argc, char** argv) {
  namespace program = manhattan::program;
  const auto reread = [&] { return program::reread(argc, argv, program::describe_fcgi()); };
  return program::run(argc, argv, program::describe_fcgi(), [&](const program::Values& values) {
    return manhattan::serve(values, reread);
  });
}
