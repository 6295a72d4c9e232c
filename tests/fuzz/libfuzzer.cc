// SPDX-License-Identifier: MIT
// libFuzzer's way in. TARGET in the environment says which.
#include <cstdint>
#include <cstdlib>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const auto target = manhattan::fuzz::targets().at(std::getenv("TARGET"));
  target({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
