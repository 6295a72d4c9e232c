// SPDX-License-Identifier: MIT
// What a page that was fetched ahead is going to record once it is shown. It stands in the address
// of the page's pixel, so that nobody has to remember it:
//
//     <seconds since 1970, its end>.<base64url of the text>.<signature>
//
// The signature is also over the visitor's id: nobody else can use it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "visitor/cookie.h"

namespace manhattan::visitor {

/// Chromium shows a page up to ten minutes after it was fetched ahead.
inline constexpr std::chrono::minutes kTokenLife{15};

std::string make_token(const Signer& signer, std::string_view visitor, std::string_view text,
                       UnixNanos now);

/// The text; nothing where it is none of this visitor's, or its time is over.
std::optional<std::string> read_token(const Signer& signer, std::string_view visitor,
                                      std::string_view token, UnixNanos now);

}  // namespace manhattan::visitor
