// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace manhattan::http {

/// Where the bytes of an answer go, piece by piece and in order: none is copied on the way.
class Sink {
 public:
  /// `bytes` are good for the call alone.
  virtual void write(std::string_view bytes) = 0;

 protected:
  ~Sink() = default;
};

}  // namespace manhattan::http
