// SPDX-License-Identifier: MIT
#pragma once

#include <boost/interprocess/mapped_region.hpp>

namespace manhattan::base {

/// A file that is open already, for boost::interprocess to map: by its path it could be another.
struct Mappable {
  int fd;
  boost::interprocess::mapping_handle_t get_mapping_handle() const noexcept { return {fd, false}; }
};

}  // namespace manhattan::base
