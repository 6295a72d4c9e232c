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

}  // namespace manhattan::record
