// SPDX-License-Identifier: MIT
// A ring in which anybody who may write it has written anything anywhere.
#include <cstring>

#include "ring/cursor.h"
#include "ring/writer.h"
#include "tests/fuzz/targets.h"
#include "tests/support/ring_memory.h"

namespace manhattan::fuzz {

using testing::RingMemory;

/// Overwrites `memory` by triples of position (two bytes) and new byte.
static void damage(std::span<std::byte> memory, std::string_view bytes) {
  for (std::size_t i = 0; i + 3 <= bytes.size(); i += 3) {
    std::uint16_t at = 0;
    std::memcpy(&at, bytes.data() + i, sizeof at);
    memory[at % memory.size()] = static_cast<std::byte>(bytes[i + 2]);
  }
}

void ring(std::string_view bytes) {
  RingMemory memory(2, 6);
  const auto view = memory.view();
  ring::Reader reader(view);
  ring::Writer writer(view);
  ring::Cursor cursor(view, ring::Cursor::From::oldest);
  for (std::uint32_t i = 0; i < 8; ++i) {
    (void)!(writer.append(1, testing::kNow, testing::payload_of(i * 7, i)) == ring::Write::written);
  }
  damage(memory.span(), bytes);
  require(ring::why_not(memory.span()).size() < 1000, "what is wrong is said in short");
  (void)!(writer.append(1, testing::kNow, "after the damage") == ring::Write::written);
  for (int pass = 0; pass < 4; ++pass) {
    const auto taken = testing::drain(reader, testing::later(pass * 1'000'000'000LL));
    require(taken.size() <= memory.span().size(), "no more comes out than fits in");
  }
  ring::Observed frame;
  for (int i = 0; i < 1000; ++i) {
    const auto next = cursor.next(frame);
    if (next == ring::Cursor::Next::nothing) break;
    require(next != ring::Cursor::Next::frame || frame.payload.size() <= memory.span().size(),
            "no frame is larger than the ring");
  }
}

}  // namespace manhattan::fuzz
