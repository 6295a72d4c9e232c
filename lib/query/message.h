// SPDX-License-Identifier: MIT
// Questions and answers as bytes: manhattan-query(5).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace manhattan::query {

/// The longest request that is read; no question comes near it.
inline constexpr std::size_t kMaxRequestBytes = 64 * 1024;

/// `[method, [argument...], {name: argument...}]`; the last two may be null or left out.
struct Request {
  std::string method;
  nlohmann::json arguments = nlohmann::json::array();
  nlohmann::json named = nlohmann::json::object();
};

/// Refuses a request: answered as `["error", "Kind: message"]`.
struct Refusal : Error {
  Refusal(const std::string& kind, const std::string& message) : Error(kind + ": " + message) {}
};

/// What a server answered instead of a value: `Kind: message`.
struct ServerError : Error {
  using Error::Error;
};

/// Text that is not UTF-8 is sent with U+FFFD for what is wrong.
std::string encode(const Request& request);
/// Refusal (of kind RequestError) where `bytes` are no request, are nested too deeply or too long.
Request decode_request(std::string_view bytes);

std::string encode_value(const nlohmann::json& value);
std::string encode_error(std::string_view kind_and_message);
/// The value of an answer; ServerError where it is an error, DamageError where it is no answer.
nlohmann::json decode_answer(std::string_view bytes);

}  // namespace manhattan::query
