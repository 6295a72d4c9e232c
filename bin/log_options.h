// SPDX-License-Identifier: MIT
#pragma once

#include "bin/program.h"

namespace manhattan::program {

/// The options of manhattan-log.
Program log_program();

}  // namespace manhattan::program
