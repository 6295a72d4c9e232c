// SPDX-License-Identifier: MIT
// What bytes from outside reach, each as a function of bytes: for libFuzzer (make fuzz) and, on the
// corpus beside this file, for make check.
#pragma once

#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace manhattan::fuzz {

/// By name, which is also the folder of its corpus. A target throws for what must never be.
const std::map<std::string, std::function<void(std::string_view)>>& targets();

inline void require(bool is_so, const char* sentence) {
  if (!is_so) throw std::logic_error(sentence);
}

/// Takes `bytes` apart into pieces, of lengths that its own first bytes choose.
template <typename Body>
void in_pieces(std::string_view bytes, const Body& body) {
  const std::size_t step = bytes.empty() ? 1 : 1 + static_cast<unsigned char>(bytes[0]) % 16;
  for (std::size_t at = 0; at < bytes.size(); at += step) body(bytes.substr(at, step));
}

// The targets themselves, by file.
void records(std::string_view bytes);
void escapes(std::string_view bytes);
void access_log(std::string_view bytes);
void spill(std::string_view bytes);
void ring(std::string_view bytes);
void heads(std::string_view bytes);
void injection(std::string_view bytes);
void pages(std::string_view bytes);
void cookies(std::string_view bytes);
void requests(std::string_view bytes);
void reports(std::string_view bytes);
void questions(std::string_view bytes);
void answers(std::string_view bytes);
void histories(std::string_view bytes);
void config(std::string_view bytes);
void rules(std::string_view bytes);
void stores(std::string_view bytes);
void environments(std::string_view bytes);
void file_names(std::string_view bytes);

}  // namespace manhattan::fuzz
