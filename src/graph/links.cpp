#include "graph/links.h"

namespace knear {

Undo::~Undo() {
  for (const Old& old : old_) {
    for (std::size_t i = 0; i < old.words; ++i) write_word(old.record + i, words_[old.at + i]);
  }
}

void Undo::keep(std::uint32_t* record, std::size_t words) {
  std::scoped_lock lock(mutex_);
  if (!kept_.insert(record).second) return;
  old_.push_back({record, words, words_.size()});
  words_.insert(words_.end(), record, record + words);
}

void Undo::forget() noexcept {
  std::scoped_lock lock(mutex_);
  kept_ = {};
  old_ = {};
  words_ = {};
}

Records::Block Records::new_block() const {
  std::shared_ptr<std::uint32_t[]> words(new std::uint32_t[kBlock * words_]());
  return {words.get(), words, false};
}

void Records::grow(std::size_t count) {
  const std::size_t blocks = (size_ + count + kBlock - 1) / kBlock;
  if (count == 0) return;
  if (size_ % kBlock != 0) own(size_ - 1);
  // A change that was given up may have left something.
  for (std::size_t i = size_; i < std::min(size_ + count, blocks_.size() * kBlock); ++i) {
    std::fill_n(edit(i), words_, std::uint32_t{0});
  }
  while (blocks_.size() < blocks) blocks_.push_back(new_block());
  size_ += count;
}

void Records::own(std::size_t i) {
  Block& block = blocks_[i / kBlock];
  if (!block.foreign) return;
  Block copy = new_block();
  const std::size_t first = i / kBlock * kBlock;
  std::copy_n(block.words, std::min(kBlock, size_ - first) * words_, const_cast<std::uint32_t*>(copy.words));
  block = std::move(copy);
}

void Records::take(const std::uint32_t* words, std::size_t count, const std::shared_ptr<const void>& owner) {
  blocks_.clear();
  size_ = count;
  for (std::size_t first = 0; first < count; first += kBlock) blocks_.push_back({words + first * words_, owner, true});
}

std::size_t Records::memory_bytes() const noexcept {
  const auto own_blocks = std::count_if(blocks_.begin(), blocks_.end(), [](const Block& b) { return !b.foreign; });
  return static_cast<std::size_t>(own_blocks) * kBlock * words_ * sizeof(std::uint32_t);
}

std::size_t Records::mapped_bytes() const noexcept {
  const auto foreign = std::count_if(blocks_.begin(), blocks_.end(), [](const Block& b) { return b.foreign; });
  return std::min(static_cast<std::size_t>(foreign) * kBlock, size_) * words_ * sizeof(std::uint32_t);
}

Places::Places(const Snapshot& snapshot) {
  starts_.push_back(0);
  for (const Chunk& chunk : snapshot.chunks) {
    chunks_.push_back(&chunk);
    starts_.push_back(starts_.back() + chunk.count);
  }
  std::size_t c = 0;
  for (std::size_t v = 0; v < count(); v += kPage) {
    while (v >= starts_[c + 1]) ++c;
    pages_.push_back(static_cast<std::uint32_t>(c));
  }
}

}  // namespace knear
