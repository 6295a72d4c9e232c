// SPDX-License-Identifier: MIT
// What instrumentation changes in the head of an answer.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "http/answer_head.h"

namespace manhattan::http {

inline constexpr std::chrono::seconds kOneYear{31'536'000};

/// Value of a Set-Cookie header: HttpOnly, SameSite=Lax, Path=/, and Secure where `is_secure`.
std::string cookie_to_set(std::string_view name, std::string_view value, bool is_secure,
                          std::chrono::seconds max_age = kOneYear);

/// Makes true again what the head says of a page that gets a pixel: Content-Length and digests go,
/// a strong ETag becomes weak.
void prepare_for_pixel(AnswerHead& head);

/// The whole answer to a request for the pixel: a transparent GIF that nobody caches, without its
/// 43 bytes where `is_head`. Sets `cookie` unless it is empty.
std::string pixel_answer(bool is_head, std::string_view cookie = {});

/// A short answer of our own, such as `404 Not Found`, that nobody caches.
std::string plain_answer(std::string_view status_text);

}  // namespace manhattan::http
