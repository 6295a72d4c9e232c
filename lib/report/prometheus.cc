// SPDX-License-Identifier: MIT
#include "report/prometheus.h"

#include <string_view>

#include "base/decimal.h"

namespace manhattan::report {
namespace {

/// `text` in the letters that names of metrics and labels may have.
std::string name_of(std::string text) {
  for (char& c : text) {
    const bool is_allowed =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_allowed) c = '_';
  }
  return text;
}

/// Unlike JSON's, a label's value has three escapes and no more.
std::string label_value(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' ? "\\n" : std::string(1, c);
  }
  return quoted + "\"";
}

struct Metric {
  std::string name;
  std::string value;
};

Metric metric_of(const std::string& tally, std::int64_t number) {
  const auto metric = "manhattan_" + name_of(tally);
  const auto in_seconds = [&](std::int64_t units) {
    return Metric{metric.substr(0, metric.size() - 3) + "_seconds",
                  Decimal::from_units(__int128{number} * units).to_string()};
  };
  if (tally.ends_with("_ms")) return in_seconds(1'000'000);
  if (tally.ends_with("_us")) return in_seconds(1'000);
  return {metric, std::to_string(number)};
}

}  // namespace

std::string prometheus_text(const std::map<std::string, std::string>& labels,
                            const std::map<std::string, std::int64_t>& numbers) {
  std::string text =
      "# HELP manhattan_info Versions of the server and its formats.\n"
      "# TYPE manhattan_info gauge\nmanhattan_info{";
  for (const auto& [name, value] : labels) {
    text += (text.back() == '{' ? "" : ",") + name_of(name) + "=" + label_value(value);
  }
  text += "} 1\n";
  std::map<std::string, Metric> metrics;  // a second one of the same name would be refused
  for (const auto& [tally, number] : numbers) {
    auto metric = metric_of(tally, number);
    metrics.try_emplace(metric.name, std::move(metric));
  }
  for (const auto& [name, metric] : metrics) {
    text += "# HELP " + name + " A tally of manhattan-query(5).\n# TYPE " + name + " gauge\n" +
            name + " " + metric.value + "\n";
  }
  return text;
}

}  // namespace manhattan::report
