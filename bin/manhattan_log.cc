// SPDX-License-Identifier: MIT
#include "bin/log_options.h"
#include "bin/observe.h"

namespace {

using namespace manhattan;

int watch(const program::options::variables_map& values) {
  const bool is_json = values["format"].as<std::string>() == "json";
  base::MessageLog messages("manhattan-log", base::MessageLog::Level::info);
  program::observe({values["ring"].as<std::string>(), program::record_filter(values),
                    is_json ? program::Format::json : program::Format::text},
                   messages);
  return program::kDone;
}

}  // namespace

int main(int argc, char** argv) {
  return manhattan::program::run(argc, argv, manhattan::program::log_program(), watch);
}
