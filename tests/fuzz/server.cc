// SPDX-License-Identifier: MIT
// What clients ask, what servers answer, and what a store holds.
#include <cstdlib>
#include <filesystem>

#include "bin/methods.h"
#include "count/history.h"
#include "query/message.h"
#include "store/store.h"
#include "tests/fuzz/targets.h"

namespace manhattan::fuzz {
namespace {

/// An empty SQLite store, for the time of the process.
class EmptyStore {
 public:
  EmptyStore() : folder_(made_folder()) {
    const auto location = store::Location::parse("sqlite:///" + folder_ + "/store");
    location.open();
    answers_ = std::make_unique<backend::Answers>(location.open_reader());
  }
  ~EmptyStore() {
    answers_.reset();
    std::filesystem::remove_all(folder_);
  }
  backend::Answers& answers() { return *answers_; }

 private:
  static std::string made_folder() {
    auto folder = (std::filesystem::temp_directory_path() / "manhattan-fuzz-XXXXXX").string();
    require(::mkdtemp(folder.data()) != nullptr, "there is a folder for temporary files");
    return folder;
  }

  std::string folder_;
  std::unique_ptr<backend::Answers> answers_;
};

}  // namespace

void questions(std::string_view bytes) {
  static EmptyStore store;
  try {
    const auto request = query::decode_request(bytes);
    const auto answered = query::encode_value(program::answer(store.answers(), request));
    require(query::decode_answer(answered) == query::decode_answer(answered),
            "an answer can be read");
  } catch (const query::Refusal& refusal) {
    require(refusal.what()[0] != '\0', "a refusal says why");
  }
}

void answers(std::string_view bytes) {
  try {
    static_cast<void>(query::decode_answer(bytes));
  } catch (const query::ServerError&) {
  } catch (const DamageError&) {
  }
}

void histories(std::string_view bytes) {
  count::History history, again;
  std::string packed, packed_again;
  try {
    history.unpack(bytes);
  } catch (const DamageError&) {
    return;
  }
  history.pack(packed);
  again.unpack(packed);
  again.pack(packed_again);
  require(packed == packed_again, "a history is packed in one way");
}

void stores(std::string_view bytes) {
  try {
    store::Location::parse(std::string(bytes));
  } catch (const ConfigError& error) {
    require(error.what()[0] != '\0', "a refusal says why");
  }
}

}  // namespace manhattan::fuzz
