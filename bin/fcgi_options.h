// SPDX-License-Identifier: MIT
// The options of manhattan-fcgi and what they mean.
#pragma once

#include <string>
#include <vector>

#include "bin/program.h"
#include "visitor/cookie.h"
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

/// Of --secret-file. ConfigError where it can't be read, and where a new installation, which has
/// neither a ring nor a log yet, would begin with a secret too short to sign.
visitor::Signer signer_of(const Values& values);
/// What is wrong with a signer that can't sign.
std::string why_it_signs_nothing(const std::string& secret_file);

/// ConfigError naming what is malformed.
Middleware::Settings middleware_settings(const Values& values);

}  // namespace manhattan::program
