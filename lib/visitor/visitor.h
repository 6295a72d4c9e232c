// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "log/log.h"
#include "record/record.h"
#include "visitor/population.h"

namespace manhattan {

/// One visitor during one request: what a program tells it becomes records in the log.
///
/// Owns:    the id; `log` and `clock` must outlive it.
/// Threads: one.
/// Errors:  by value in every record's Append; nothing here throws into the request but bad_alloc.
class Visitor {
 public:
  /// until_shown: of a page that was fetched ahead; flush() writes nothing, take_waiting() has it.
  enum class Buffering { none, until_flush, until_shown };

  /// The id of all who are not to be recorded: nothing is, and they are shown the same populations.
  static constexpr std::string_view kNobody = "-";

  Visitor(std::string id, Log& log, SiteId site, Buffering buffering = Buffering::none);

  const std::string& id() const noexcept { return id_; }
  SiteId site() const noexcept { return site_; }

  /// The time of this request's records: taken once, at construction.
  UnixNanos timestamp() const noexcept { return at_; }

  Append page(const Page& page);
  Append pixel();
  Append goal(const Goal& goal);
  Append goal(std::string_view name) { return goal(Goal{.name = name}); }

  /// Of a robot without a cookie, whose id is another in each request: populations are chosen for
  /// `name` from now on, which stays the same, and no impression is recorded.
  void choose_for(std::string name) { robot_ = std::move(name); }
  /// Whose populations these are: the visitor's id, or the robot's name.
  const std::string& chooser() const noexcept { return robot_.empty() ? id_ : robot_; }

  /// Chooses (or is told) the population and records the impression.
  std::string split(std::string_view name);
  std::string split(std::string_view name, const std::vector<std::string>& populations);
  std::string split(std::string_view name, const std::vector<visitor::Weighted>& populations);
  Append show(std::string_view split, std::string_view population);

  /// A population was chosen or told: others may be shown something else.
  bool has_split() const noexcept { return has_split_; }

  /// What is buffered, without visitor, site and time, a line a record, up to `most_bytes`; the
  /// rest stays.
  std::string take_waiting(std::size_t most_bytes);
  bool has_waiting() const noexcept { return !waiting_.empty(); }
  /// Records what another Visitor of this id gave so.
  Append record_taken(std::string_view lines);

  /// Writes what is buffered, in order.
  Append flush();

 private:
  template <class Event>
  Append write(const Event& event);

  std::string id_;
  std::string robot_;  ///< empty: it is none, or has a cookie
  Log& log_;
  SiteId site_;
  Buffering buffering_;
  UnixNanos at_;
  bool has_split_ = false;
  std::string head_;  // of all its lines
  std::vector<std::string> waiting_;
};

}  // namespace manhattan
