// SPDX-License-Identifier: MIT
#include "bin/replay_rebuild.h"

#include <algorithm>
#include <cstdio>

#include "bin/interrupts.h"
#include "bin/replay_records.h"
#include "record/text_codec.h"

namespace manhattan::program {
namespace {}  // namespace

std::unique_ptr<store::Store> open_alone(const store::Location& location) {
  auto store = location.open();
  try {
    store->claim();
  } catch (const store::StoreError& error) {
    throw ConfigError(error.what());
  }
  return store;
}

namespace {

/// A store that was counted without a rollup or a goal has no past for it. The server takes such
/// for a beginning; here it is a mistake.
void refuse_additions(const Backend::Options& options) {
  const auto state = open_alone(options.location)->load();
  if (state.flush_number == 0) return;
  const auto refuse_new = [&](const std::string& setting) {
    if (state.settings.contains(setting)) return;
    throw ConfigError("'" + options.location.to_string() + "' was counted without " + setting +
                      ": count into a new store");
  };
  refuse_new("log");
  for (const auto& rollup : options.rules.rollups) refuse_new("rollup " + rollup.name);
  for (const auto& goal : options.rules.complex_goals) refuse_new("complex goal " + goal.name);
}

class Rebuild {
 public:
  Rebuild(base::Files& files, const ReplayOptions& options, base::MessageLog& messages)
      : options_(options),
        messages_(messages),
        backend_(with_pulse(options.backend), messages),
        input_(files, options, backend_.segments(), messages),
        progress_(input_.total_bytes()) {
    interrupts_.call({}, [this] { pulse_.give_up(); });
  }
  ~Rebuild() { interrupts_.call({}, {}); }

  void run() {
    if (!backend_.pointer().empty()) messages_.info("going on from " + backend_.pointer());
    const auto start = backend_.pointer();
    const bool is_whole = count_all();
    progress_.clear();
    if (is_whole) return report(start);
    const auto& pointer = backend_.pointer();
    throw Error(
        (pointer.empty() ? "interrupted before the first commit" : "interrupted after " + pointer) +
        "; the same command goes on from there");
  }

 private:
  /// False: interrupted.
  bool count_all() {
    try {
      while (!interrupts_.is_pending()) {
        const auto piece =
            input_.next(options_.backend.flush_every_records - backend_.unflushed_records());
        if (!piece) break;
        handle(*piece);
      }
      const bool is_interrupted = interrupts_.is_pending();
      flush();
      return !is_interrupted;
    } catch (const base::Interrupted&) {
      return false;
    }
  }

  Backend::Options with_pulse(Backend::Options options) {
    options.pulse = &pulse_;
    return options;
  }

  void handle(const ReplayInput::Piece& piece) {
    const auto lines = std::count(piece.batch.lines.begin(), piece.batch.lines.end(), '\n');
    if (options_.filter.is_open()) {
      backend_.handle(piece.batch);
    } else {
      handle_passing(piece.batch);
    }
    // Where a piece was not handled as it stands in its file, this is how far the file is counted.
    backend_.handle({piece.end.file, piece.end.offset, {}, 0, piece.batch.begins});
    handled_ += static_cast<std::uint64_t>(lines);
    if (backend_.is_flush_due()) flush();
    progress_.advance(piece.bytes, static_cast<std::uint64_t>(lines));
  }

  /// In runs of lines that pass, which are mostly long where a filter lets much through.
  void handle_passing(const log::Batch& batch) {
    std::size_t begin = 0;
    std::size_t end = 0;
    const auto handle_run = [&] {
      if (end > begin)
        backend_.handle(
            {batch.file, batch.offset + begin, batch.lines.substr(begin, end - begin), 0});
    };
    for_each_line(batch.lines, [&](std::string_view line) {
      Record record;
      if (record::decode(line, scratch_, record) == record::Verdict::ok &&
          options_.filter.passes(record)) {
        end += line.size();
        return;
      }
      handle_run();
      begin = end += line.size();
    });
    handle_run();
  }

  void flush() {
    if (!backend_.has_unflushed()) return;
    input_.sync();
    backend_.flush();
  }

  void report(const std::string& start) {
    const auto store = "'" + options_.backend.location.to_string() + "'";
    if (handled_ == 0) {
      messages_.info(store + " has all of it already: nothing changed");
      return;
    }
    const auto skipped = skipped_text(input_.skipped());
    messages_.info("counted " + std::to_string(handled_) + " records into " + store +
                   (start.empty() ? "" : ", after those that it had") +
                   (skipped.empty() ? "" : "; " + skipped));
  }

  const ReplayOptions& options_;
  base::MessageLog& messages_;
  Interrupts interrupts_{
      "manhattan-replay: interrupted; the same command goes on after what was committed", kFailed};
  base::Pulse pulse_;
  Backend backend_;
  ReplayInput input_;
  Progress progress_;
  std::string scratch_;
  std::uint64_t handled_ = 0;
};

}  // namespace

void rebuild(base::Files& files, const ReplayOptions& options, base::MessageLog& messages) {
  // Before a store is made: a log that is not there leaves nothing behind.
  ReplayInput(files, options, {}, messages);
  refuse_additions(options.backend);
  Rebuild(files, options, messages).run();
}

}  // namespace manhattan::program
