// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "record/record.h"

namespace manhattan::record {

/// The network of an address: 24 bits of IPv4, 48 of IPv6, zeros behind; empty for what is no
/// address, such as a host's name.
std::string masked_address(std::string_view address);

/// Masks the address of `page` and leaves out captured headers that carry addresses. Its views
/// point into `storage` then.
void anonymize(Page& page, std::string& storage);

/// `line` with its page anonymized, appended to `out`; as it is where it is no page. What is no
/// record stays too, to be counted by its reason; nobody keeps or prints it.
void append_anonymized(std::string_view line, std::string& out);

}  // namespace manhattan::record
