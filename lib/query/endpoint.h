// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace manhattan::query {

inline constexpr const char* kDefaultEndpoint = "tcp://127.0.0.1:5555";

/// ConfigError where `endpoint` is neither `tcp://HOST:PORT` nor `ipc://PATH`.
void check_endpoint(const std::string& endpoint);

/// Error where the path of an ipc endpoint is there, and this process may not connect to it. libzmq
/// itself would try for ever, in silence.
void check_is_allowed(const std::string& endpoint);

/// Whether somebody accepts connections at `endpoint`, be it a manhattan-server or not.
bool is_served(const std::string& endpoint);

/// Throws where binding to an ipc endpoint would destroy: libzmq removes whatever stands at its
/// path, be it another server's socket (IoError: in use) or a file (ConfigError). Nothing for tcp.
void check_is_free(const std::string& endpoint);

/// Removes the path of an ipc endpoint that this process is bound to.
void release(const std::string& endpoint) noexcept;

}  // namespace manhattan::query
