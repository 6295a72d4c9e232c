// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "report/page_data.h"

namespace manhattan::report {

/// One HTML page with all it needs in it: no script, no font, no picture from elsewhere. Names
/// from the outside are text wherever they stand.
std::string page(const PageData& data);

/// `text` as it stands in HTML, in an element or a quoted attribute.
std::string escaped(std::string_view text);

/// A page that says only this, for a reader whom the server does not answer.
std::string message_page(const std::string& title, const std::string& message);

}  // namespace manhattan::report
