// SPDX-License-Identifier: MIT
// Records of the FastCGI protocol (specification, sections 3 and 8), as bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace manhattan::wrap {

enum class RecordType : unsigned char {
  begin_request = 1,
  abort_request = 2,
  end_request = 3,
  parameters = 4,
  input = 5,
  output = 6,
  errors = 7,
  get_values = 9,
  get_values_result = 10,
  unknown_type = 11,
};

/// What stands before the content of each record.
struct RecordHead {
  unsigned char version, type, id_high, id_low, length_high, length_low, padding, reserved;

  std::size_t length() const noexcept { return length_high * 256U + length_low; }
  unsigned id() const noexcept { return id_high * 256U + id_low; }
};
static_assert(sizeof(RecordHead) == 8);

inline constexpr std::size_t kMaxContentBytes = 65'535;

/// How a request ended, as far as FastCGI is concerned (section 5.5).
enum ProtocolStatus { kRequestComplete, kCantMultiplex, kOverloaded, kUnknownRole };

/// Appends one record; `content` is at most kMaxContentBytes.
void append_record(RecordType type, unsigned id, std::string_view content, std::string& out);

/// Sets the length of the record whose content begins at `content`, behind its head.
void set_content_length(std::size_t length, char* content) noexcept;

/// Appends the record that ends a request, with exit code 0.
void append_end(unsigned id, ProtocolStatus status, std::string& out);

/// Appends the beginning of a request, numbered 1, the only one on its connection: all but its
/// body. `variables` are as in Environment::block().
void append_question(const std::vector<char*>& variables, std::string& out);

/// Takes records apart, wherever their bytes are cut.
class RecordCutter {
 public:
  struct Piece {
    RecordHead head;
    std::string_view content;  ///< the next there is of the record's
    bool is_last;              ///< the record ends with it

    RecordType type() const noexcept { return static_cast<RecordType>(head.type); }
  };

  /// The next piece of `bytes`, which then start after it. None where they are used up or damaged.
  std::optional<Piece> next(std::string_view& bytes);
  /// No FastCGI; nothing can be read any more.
  bool is_damaged() const noexcept { return is_damaged_; }

 private:
  bool take_head(std::string_view& bytes);
  std::string_view take_content(std::string_view& bytes);

  std::string collected_;  ///< of a head
  RecordHead head_{};
  bool is_inside_ = false;         ///< a record has begun and is not over
  std::size_t content_bytes_ = 0;  ///< of this record, still to come
  std::size_t padding_bytes_ = 0;
  bool is_damaged_ = false;
};

/// Reads what a FastCGI program sends back for request 1, wherever it is cut.
class AnswerRecords {
 public:
  enum class Kind {
    nothing,  ///< all bytes are used up
    output,
    errors,
    end,      ///< the request is over: protocol_status(), exit_code()
    damaged,  ///< no FastCGI; nothing can be read any more
  };
  struct Piece {
    Kind kind;
    std::string_view bytes;  ///< of output and errors
  };

  /// The next piece of `bytes`, which then start after it.
  Piece next(std::string_view& bytes);

  int protocol_status() const noexcept;  ///< a ProtocolStatus, or what nobody knows
  unsigned exit_code() const noexcept;

 private:
  RecordCutter cutter_;
  std::string end_;  ///< content of the record that ends the request
};

}  // namespace manhattan::wrap
