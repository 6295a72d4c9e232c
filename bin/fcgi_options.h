// SPDX-License-Identifier: MIT
// The options of manhattan-fcgi and what they mean.
#pragma once

#include <string>
#include <vector>

#include "bin/program.h"
#include "wrap/middleware.h"
#include "wrap/server.h"

namespace manhattan::program {

using Values = options::variables_map;

Program fcgi_program();

/// Empty where the option is not given.
std::string text_of(const Values& values, const char* name);
std::vector<std::string> list_of(const Values& values, const char* name);

/// Of the server, but for what it records. ConfigError naming what is malformed or at odds.
wrap::Server::Settings server_settings(const Values& values);

/// ConfigError naming what is malformed.
Middleware::Settings middleware_settings(const Values& values);

}  // namespace manhattan::program
