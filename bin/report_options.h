// SPDX-License-Identifier: MIT
#pragma once

#include "bin/program.h"

namespace manhattan::program {

/// The options of manhattan-report.
Program report_program();

}  // namespace manhattan::program
