// SPDX-License-Identifier: MIT
#include "backend/pixel_alarm.h"

namespace manhattan::backend {
namespace {

std::int64_t tally(const std::map<std::string, std::int64_t>& tallies, const char* name) {
  const auto found = tallies.find(name);
  return found == tallies.end() ? 0 : found->second;
}

/// Without those whose user agent is a known robot's.
std::int64_t visitors_of(const std::map<std::string, std::int64_t>& tallies) {
  return tally(tallies, "visitor_seen") - tally(tallies, "visitor_robot");
}

/// Pages beyond each visitor's first, at least: what robots did counts as if it were all pages.
std::int64_t returns_of(const std::map<std::string, std::int64_t>& tallies) {
  return tally(tallies, "record_page") - tally(tallies, "left_out_robot") - visitors_of(tallies);
}

}  // namespace

Pixels pixels_of(const std::map<std::string, std::int64_t>& tallies) {
  if (tally(tallies, "record_pixel") > 0) return Pixels::have_come;
  const bool are_enough =
      visitors_of(tallies) >= kLeastVisitors && returns_of(tallies) >= kLeastReturns;
  return are_enough ? Pixels::missing : Pixels::too_few_pages;
}

std::string missing_pixel_text(const std::map<std::string, std::int64_t>& tallies) {
  return "no pixel has ever come, so nobody is counted, though " +
         std::to_string(returns_of(tallies)) +
         " pages were asked for with a cookie that had come back: does the web server lead "
         "the pixel (/vpixel.gif) to manhattan-fcgi, on the host of the pages? are pages "
         "compressed by the "
         "program, or no HTML? does their Content-Security-Policy allow images? does a cache "
         "answer "
         "for the pixel? see THE PIXEL in manhattan(7)";
}

}  // namespace manhattan::backend
