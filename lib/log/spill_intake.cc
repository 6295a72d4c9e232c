// SPDX-License-Identifier: MIT
#include "log/spill_intake.h"

#include <algorithm>
#include <filesystem>

namespace manhattan::log {
SpillIntake::SpillIntake(std::string prefix, base::Files& files, Segments::Tell tell)
    : prefix_(std::move(prefix)), files_(files), tell_(std::move(tell)) {}

/// To open a fifo would wait for its writer for good.
bool SpillIntake::is_file(const std::string& path) {
  if (std::filesystem::is_regular_file(std::filesystem::symlink_status(path))) return true;
  if (inode_at(path) && told_.insert(path).second && tell_)
    tell_("'" + path + "' is no regular file: nothing can be spilled to it, and it is left alone");
  return false;
}

void SpillIntake::go_to(const SpillPosition& position) {
  open_.clear();
  position_ = position;
  position_.file_count = std::min<std::uint64_t>(position.file_count, SpillPosition::kMostFiles);
  const auto own = prefix_.substr(0, prefix_.size() - base::name_of(prefix_).size());
  std::vector<std::uint64_t> numbers;
  for (const auto& name : files_.list(base::folder_of(prefix_))) {
    if (const auto number = spill_number(own + name, prefix_)) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  for (const auto number : numbers) {
    position_.next_number = std::max(position_.next_number, number + 1);
    if (open_.size() == SpillPosition::kMostFiles) continue;
    if (!is_file(spill_path(prefix_) + "." + std::to_string(number))) continue;
    const SpillPosition::File* first = position_.files;
    const auto* end = first + position_.file_count;
    const auto* known =
        std::find_if(first, end, [&](const auto& file) { return file.number == number; });
    open(number, known == end ? 0 : known->offset);
  }
}

void SpillIntake::open(std::uint64_t number, std::uint64_t offset) {
  const auto path = spill_path(prefix_) + "." + std::to_string(number);
  try {
    open_.push_back(std::make_unique<SpillFile>(files_, path, number, offset));
  } catch (const base::RefusedError& error) {
    if (told_.insert(path).second && tell_)
      tell_("'" + path + "' is not taken in and left alone: " + error.why);
  }
}

void SpillIntake::look_again() noexcept {
  for (auto& file : open_) file->look_again();
}

void SpillIntake::look() {
  if (open_.size() == SpillPosition::kMostFiles) return;  // their writers stand still
  if (!is_file(spill_path(prefix_))) return;
  // A writer has just made it, and not locked it yet. A server that looks again and again, as with
  // a ring that was spoilt, would take each of its tries away, and the writer would give up.
  std::error_code ignored;  // it is gone: the rename says so
  if (std::filesystem::is_empty(spill_path(prefix_), ignored)) return;
  auto number = position_.next_number;
  // Who may spill may also have made a folder there, onto which no file can be renamed.
  while (inode_at(spill_path(prefix_) + "." + std::to_string(number))) ++number;
  files_.rename(spill_path(prefix_), spill_path(prefix_) + "." + std::to_string(number));
  position_.next_number = number + 1;
  open(number, 0);
}

const SpilledLine* SpillIntake::front() {
  const SpilledLine* earliest = nullptr;
  for (std::size_t i = 0; i < open_.size(); ++i) {
    const auto* line = open_[i]->front(position_.torn);
    if (line == nullptr || (earliest != nullptr && earliest->at <= line->at)) continue;
    earliest = line;
    earliest_ = i;
  }
  return earliest;
}

void SpillIntake::pop() noexcept {
  open_[earliest_]->pop();
  ++position_.taken_in;
}

SpillPosition SpillIntake::position() const noexcept {
  auto position = position_;
  position.file_count = open_.size();
  for (std::size_t i = 0; i < open_.size(); ++i) {
    position.files[i] = {open_[i]->number(), open_[i]->offset()};
  }
  return position;
}

void SpillIntake::remove_finished() {
  for (auto& file : open_) {
    if (file->is_finished()) files_.remove(file->path());
  }
  std::erase_if(open_, [](const auto& file) { return file->is_finished(); });
}

}  // namespace manhattan::log
