// SPDX-License-Identifier: MIT
#pragma once

#include "bin/program.h"

namespace manhattan::program {

/// The options of manhattan-event.
Program event_program();

}  // namespace manhattan::program
