// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "bin/fcgi_options.h"
#include "bin/reloading.h"
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

base::MessageLog::Level level_of(const Values& values) {
  using Level = base::MessageLog::Level;
  return values["verbose"].as<bool>() ? Level::info : Level::notice;
}

/// Of the options `now`, but for where to record, which is as it was at the start. A signer that
/// signs is not left for one that does not.
std::shared_ptr<const Middleware> load(const Values& now, const Values& started_with,
                                       bool& has_signed, base::MessageLog& messages) {
  if (!is_recording(started_with)) return nullptr;
  const auto secret_file = text_of(now, "secret-file");
  if (secret_file.empty()) {
    throw ConfigError(
        "--secret-file is missing: it signs the visitors' cookies "
        "(or record nothing: --ring none and no --path)");
  }
  auto signer = program::signer_of(now);
  if (!signer.can_sign() && has_signed)
    throw ConfigError(program::why_it_signs_nothing(secret_file));
  has_signed = signer.can_sign();
  if (!has_signed) {
    messages.warning(program::why_it_signs_nothing(secret_file) +
                     "; until then visitors who have a cookie are recorded, and no others");
  }
  auto settings = program::middleware_settings(now);
  settings.ring = text_of(started_with, "ring");
  settings.path_prefix = text_of(started_with, "path");
  return std::make_shared<const Middleware>(std::move(signer), std::move(settings), messages);
}

int serve(program::Reloading reloading) {
  const auto& values = reloading.started_with();
  const base::SystemClock clock;
  base::SystemFiles files;
  base::MessageLog messages("manhattan-fcgi", level_of(values));
  auto settings = program::server_settings(values);
  bool is_first = true, has_signed = false;
  settings.load = [&] {
    if (std::exchange(is_first, false)) return load(values, values, has_signed, messages);
    const auto now = reloading.reread();
    program::server_settings(now);
    auto middleware = load(now, values, has_signed, messages);
    messages.show_up_to(level_of(now));
    reloading.note(now, messages);
    return middleware;
  };
  if (is_recording(values)) {
    RingLog::survive_cut_rings();
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
  const auto fcgi = program::fcgi_program();
  return program::run(argc, argv, fcgi, [&](const program::Values& values) {
    return manhattan::serve({argc, argv, fcgi, values});
  });
}
