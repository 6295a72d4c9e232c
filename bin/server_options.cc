// SPDX-License-Identifier: MIT
#include "bin/server_options.h"

#include "bin/counting_options.h"
#include "query/endpoint.h"
#include "ring/ring_file.h"

namespace manhattan::program {
namespace {

using Texts = std::vector<std::string>;

constexpr std::int64_t kDefaultRingMib = ring::kDefaultRingBytes >> 20;

}  // namespace

Program server_program() {
  Program program;
  program.name = "manhattan-server";
  program.synopsis = "--path PREFIX --url STORE [options]";
  program.purpose =
      "Drains the ring into the text log, counts it into a store and answers questions.";
  const auto text = [](const char* fallback, const char* name) {
    return options::value<std::string>()->default_value(fallback)->value_name(name);
  };
  const auto number = [](std::int64_t fallback) {
    return options::value<std::int64_t>()->default_value(fallback)->value_name("N");
  };
  add_counting_options(program.described);
  // clang-format off
  program.described.add_options()
      ("path,p", options::value<std::string>()->value_name("PREFIX"), "the text log: PREFIX.<hour>")
      ("ring,r", text("none", "PATH"), "the ring to drain, made where it is missing; none: others write the log")
      ("ring-mib", number(kDefaultRingMib), "size of a new ring, in MiB")
      ("bind", options::value<Texts>()->composing()->value_name("ENDPOINT"),
       "answer questions at tcp://ADDRESS:PORT or ipc://PATH; default tcp://127.0.0.1:5555")
      ("log", text("", "FILE"), "messages to FILE instead of standard error; reopened on SIGHUP")
      ("once", options::bool_switch(), "count what there is, flush and exit")
      ("verbose,v", options::bool_switch(), "say what is being done");
  // clang-format on
  return program;
}

ServerOptions server_options(const options::variables_map& values) {
  ServerOptions chosen;
  chosen.ring = values["ring"].as<std::string>();
  chosen.ring_bytes = static_cast<std::uint64_t>(at_least(values, "ring-mib", 1)) << 20;
  chosen.prefix = absolute_prefix("--path", required(values, "path"));
  chosen.endpoints = texts_of(values, "bind");
  chosen.message_file = values["log"].as<std::string>();
  chosen.is_once = values["once"].as<bool>();
  chosen.is_verbose = values["verbose"].as<bool>();
  chosen.backend = counting_options(values);
  chosen.backend.log_prefix = chosen.prefix;
  if (chosen.endpoints.empty()) chosen.endpoints = {query::kDefaultEndpoint};
  for (const auto& endpoint : chosen.endpoints) query::check_endpoint(endpoint);
  return chosen;
}

}  // namespace manhattan::program
