// SPDX-License-Identifier: MIT
#include "query/message.h"

namespace manhattan::query {
namespace {

using nlohmann::json;

// A request needs three levels. Without a limit, a few kilobytes of `[` would be copied and
// destroyed recursively until the stack ends.
constexpr int kMaxDepth = 16;

[[noreturn]] void refuse(const std::string& message) { throw Refusal("RequestError", message); }

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool is_shallow(int depth, json::parse_event_t, json&) {
  if (depth > kMaxDepth) refuse("nested too deeply");
  return true;
}

}  // namespace

std::string encode(const Request& request) {
  return dump(json::array({request.method, request.arguments, request.named}));
}

Request decode_request(std::string_view bytes) {
  if (bytes.size() > kMaxRequestBytes) {
    refuse("longer than " + std::to_string(kMaxRequestBytes) + " bytes");
  }
  json message;
  try {
    message = json::parse(bytes.begin(), bytes.end(), is_shallow);
  } catch (const json::exception&) {
    refuse("not JSON");
  }
  if (!message.is_array() || message.empty() || message.size() > 3) {
    refuse("not [method, [arguments], {named arguments}]");
  }
  if (!message[0].is_string()) refuse("the method's name is not a string");
  Request request{.method = message[0].get<std::string>()};
  if (message.size() > 1 && !message[1].is_null()) request.arguments = std::move(message[1]);
  if (message.size() > 2 && !message[2].is_null()) request.named = std::move(message[2]);
  if (!request.arguments.is_array()) refuse("the arguments are not an array");
  if (!request.named.is_object()) refuse("the named arguments are not an object");
  return request;
}

std::string encode_value(const json& value) { return dump(json::array({"ok", value})); }

std::string encode_error(std::string_view kind_and_message) {
  return dump(json::array({"error", kind_and_message}));
}

json decode_answer(std::string_view bytes) {
  auto answer = json::parse(bytes.begin(), bytes.end(), nullptr, /*allow_exceptions=*/false);
  if (!answer.is_array() || answer.size() != 2 || !answer[0].is_string()) {
    throw DamageError("the server's answer is none: not [\"ok\", value]");
  }
  if (answer[0] == "ok") return std::move(answer[1]);
  throw ServerError(answer[1].is_string() ? answer[1].get<std::string>() : dump(answer[1]));
}

}  // namespace manhattan::query
