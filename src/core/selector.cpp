#include "knear/selector.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/check.h"
#include "core/mix.h"

namespace knear {
namespace {

constexpr std::uint64_t kAllBits = ~std::uint64_t{0};

std::size_t words_for(std::size_t bits) { return bits / 64 + (bits % 64 != 0 ? 1 : 0); }

// first + i, wrapping round at the end of the numbers.
Id id_at(Id first, std::size_t i) noexcept { return static_cast<Id>(static_cast<std::uint64_t>(first) + i); }

void clear_bits(std::size_t n, std::uint64_t* bits) { std::fill_n(bits, words_for(n), std::uint64_t{0}); }

void set_bit(std::size_t i, std::uint64_t* bits) { bits[i / 64] |= std::uint64_t{1} << (i % 64); }

// Bits [first, end) of `bits` to one, word by word.
void set_bits(std::size_t first, std::size_t end, std::uint64_t* bits) {
  if (first >= end) return;
  const std::size_t last = end - 1;
  const std::uint64_t head = kAllBits << (first % 64);
  const std::uint64_t tail = kAllBits >> (63 - last % 64);
  if (first / 64 == last / 64) {
    bits[first / 64] |= head & tail;
    return;
  }
  bits[first / 64] |= head;
  std::fill(bits + first / 64 + 1, bits + last / 64, kAllBits);
  bits[last / 64] |= tail;
}

void clear_past(std::size_t n, std::uint64_t* bits) {
  if (n % 64 != 0) bits[n / 64] &= kAllBits >> (64 - n % 64);
}

// bits = contains(ids[0]), contains(ids[1]), … without a virtual call for each.
template <class Contains>
void test_each(const Id* ids, std::size_t n, std::uint64_t* bits, Contains contains) {
  clear_bits(n, bits);
  for (std::size_t i = 0; i < n; ++i) bits[i / 64] |= std::uint64_t{contains(ids[i])} << (i % 64);
}

class All final : public Selector {
 public:
  bool contains(Id) const override { return true; }
  void test(const Id*, std::size_t n, std::uint64_t* bits) const override { fill(n, bits); }
  void test_range(Id, std::size_t n, std::uint64_t* bits) const override { fill(n, bits); }

 private:
  static void fill(std::size_t n, std::uint64_t* bits) {
    std::fill_n(bits, words_for(n), kAllBits);
    clear_past(n, bits);
  }
};

class Range final : public Selector {
 public:
  Range(Id first, Id end) : first_(first), end_(end) {}

  bool contains(Id id) const override { return first_ <= id && id < end_; }
  void test(const Id* ids, std::size_t n, std::uint64_t* bits) const override {
    test_each(ids, n, bits, [this](Id id) { return Range::contains(id); });
  }
  void test_range(Id first, std::size_t n, std::uint64_t* bits) const override {
    clear_bits(n, bits);
    set_bits(steps(first, first_, n), steps(first, end_, n), bits);
  }

 private:
  // How far it is from one id up to another, within 0 … most.
  static std::size_t steps(Id from, Id to, std::size_t most) noexcept {
    if (to <= from) return 0;
    const std::uint64_t distance = static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
    return static_cast<std::size_t>(std::min<std::uint64_t>(distance, most));
  }

  Id first_;
  Id end_;
};

class SortedArray final : public Selector {
 public:
  explicit SortedArray(std::span<const Id> ids) : ids_(ids.begin(), ids.end()) {
    std::sort(ids_.begin(), ids_.end());
    ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
  }

  bool contains(Id id) const override { return std::binary_search(ids_.begin(), ids_.end(), id); }
  void test(const Id* ids, std::size_t n, std::uint64_t* bits) const override {
    test_each(ids, n, bits, [this](Id id) { return SortedArray::contains(id); });
  }
  void test_range(Id first, std::size_t n, std::uint64_t* bits) const override {
    clear_bits(n, bits);
    for (auto id = std::lower_bound(ids_.begin(), ids_.end(), first); id != ids_.end(); ++id) {
      const std::uint64_t i = static_cast<std::uint64_t>(*id) - static_cast<std::uint64_t>(first);
      if (i >= n) return;
      set_bit(i, bits);
    }
  }

 private:
  std::vector<Id> ids_;
};

// Open addressing, at most half full. A free place holds kNoId, which is therefore kept apart.
class HashSet final : public Selector {
 public:
  explicit HashSet(std::span<const Id> ids) : places_(std::bit_ceil(2 * ids.size() + 2), kNoId) {
    for (const Id id : ids) {
      if (id == kNoId)
        holds_no_id_ = true;
      else
        places_[place_of(id)] = id;
    }
  }

  bool contains(Id id) const override { return id == kNoId ? holds_no_id_ : places_[place_of(id)] == id; }
  void test(const Id* ids, std::size_t n, std::uint64_t* bits) const override {
    test_each(ids, n, bits, [this](Id id) { return HashSet::contains(id); });
  }

 private:
  std::size_t place_of(Id id) const noexcept {
    const std::size_t mask = places_.size() - 1;
    std::size_t at = mix(static_cast<std::uint64_t>(id)) & mask;
    while (places_[at] != kNoId && places_[at] != id) at = (at + 1) & mask;
    return at;
  }

  std::vector<Id> places_;
  bool holds_no_id_ = false;
};

class Bitmap final : public Selector {
 public:
  explicit Bitmap(const std::vector<std::uint8_t>& bytes) : words_(words_for(8 * bytes.size())) {
    for (std::size_t i = 0; i < bytes.size(); ++i) words_[i / 8] |= std::uint64_t{bytes[i]} << (i % 8 * 8);
  }

  bool contains(Id id) const override { return (word(id >> 6) >> (id & 63) & 1) != 0; }
  void test(const Id* ids, std::size_t n, std::uint64_t* bits) const override {
    test_each(ids, n, bits, [this](Id id) { return Bitmap::contains(id); });
  }
  void test_range(Id first, std::size_t n, std::uint64_t* bits) const override {
    const auto shift = static_cast<unsigned>(first & 63);
    for (std::size_t w = 0; w < words_for(n); ++w) {
      const Id at = id_at(first, 64 * w) >> 6;
      bits[w] = word(at) >> shift;
      if (shift != 0) bits[w] |= word(at + 1) << (64 - shift);
    }
    clear_past(n, bits);
  }

 private:
  // Ids 64 w to 64 w + 63; none are allowed outside of the bitmap.
  std::uint64_t word(Id w) const noexcept {
    const auto i = static_cast<std::uint64_t>(w);  // negative ones become huge
    return i < words_.size() ? words_[i] : 0;
  }

  std::vector<std::uint64_t> words_;
};

class Not final : public Selector {
 public:
  explicit Not(SelectorPtr a) : a_(std::move(a)) {}

  bool contains(Id id) const override { return !a_->contains(id); }
  void test(const Id* ids, std::size_t n, std::uint64_t* bits) const override {
    a_->test(ids, n, bits);
    flip(n, bits);
  }
  void test_range(Id first, std::size_t n, std::uint64_t* bits) const override {
    a_->test_range(first, n, bits);
    flip(n, bits);
  }

 private:
  static void flip(std::size_t n, std::uint64_t* bits) {
    for (std::size_t w = 0; w < words_for(n); ++w) bits[w] = ~bits[w];
    clear_past(n, bits);
  }

  SelectorPtr a_;
};

// Two selectors, their words of bits combined by `Op`.
template <class Op>
class Both final : public Selector {
 public:
  Both(SelectorPtr a, SelectorPtr b) : a_(std::move(a)), b_(std::move(b)) {}

  bool contains(Id id) const override {
    return Op()(std::uint64_t{a_->contains(id)}, std::uint64_t{b_->contains(id)}) != 0;
  }
  void test(const Id* ids, std::size_t n, std::uint64_t* bits) const override {
    for (std::size_t at = 0; at < n; at += kBlock) {
      const std::size_t count = std::min(kBlock, n - at);
      std::uint64_t other[kBlock / 64];
      a_->test(ids + at, count, bits + at / 64);
      b_->test(ids + at, count, other);
      combine(bits + at / 64, other, count);
    }
  }
  void test_range(Id first, std::size_t n, std::uint64_t* bits) const override {
    for (std::size_t at = 0; at < n; at += kBlock) {
      const std::size_t count = std::min(kBlock, n - at);
      std::uint64_t other[kBlock / 64];
      a_->test_range(id_at(first, at), count, bits + at / 64);
      b_->test_range(id_at(first, at), count, other);
      combine(bits + at / 64, other, count);
    }
  }

 private:
  static constexpr std::size_t kBlock = 4096;  // ids at a time, so that the second operand's bits fit on the stack

  static void combine(std::uint64_t* bits, const std::uint64_t* other, std::size_t n) {
    for (std::size_t w = 0; w < words_for(n); ++w) bits[w] = Op()(bits[w], other[w]);
  }

  SelectorPtr a_;
  SelectorPtr b_;
};

class Predicate final : public Selector {
 public:
  explicit Predicate(std::function<bool(Id)> predicate) : predicate_(std::move(predicate)) {}
  bool contains(Id id) const override { return predicate_(id); }

 private:
  std::function<bool(Id)> predicate_;
};

template <class Op>
SelectorPtr combine(SelectorPtr a, SelectorPtr b, const char* what) {
  require(a != nullptr && b != nullptr, what, " needs two selectors, got a null one");
  return std::make_shared<Both<Op>>(std::move(a), std::move(b));
}

}  // namespace

void Selector::test(const Id* ids, std::size_t n, std::uint64_t* bits) const {
  test_each(ids, n, bits, [this](Id id) { return contains(id); });
}

void Selector::test_range(Id first, std::size_t n, std::uint64_t* bits) const {
  clear_bits(n, bits);
  for (std::size_t i = 0; i < n; ++i)
    if (contains(id_at(first, i))) set_bit(i, bits);
}

SelectorPtr select_all() { return std::make_shared<All>(); }
SelectorPtr select_range(Id first, Id end) { return std::make_shared<Range>(first, end); }
SelectorPtr select_array(std::span<const Id> ids) { return std::make_shared<SortedArray>(ids); }
SelectorPtr select_batch(std::span<const Id> ids) { return std::make_shared<HashSet>(ids); }
SelectorPtr select_bitmap(const std::vector<std::uint8_t>& bits) { return std::make_shared<Bitmap>(bits); }

SelectorPtr select_not(SelectorPtr a) {
  require(a != nullptr, "select_not needs a selector, got a null one");
  return std::make_shared<Not>(std::move(a));
}
SelectorPtr select_and(SelectorPtr a, SelectorPtr b) {
  return combine<std::bit_and<std::uint64_t>>(std::move(a), std::move(b), "select_and");
}
SelectorPtr select_or(SelectorPtr a, SelectorPtr b) {
  return combine<std::bit_or<std::uint64_t>>(std::move(a), std::move(b), "select_or");
}
SelectorPtr select_xor(SelectorPtr a, SelectorPtr b) {
  return combine<std::bit_xor<std::uint64_t>>(std::move(a), std::move(b), "select_xor");
}

SelectorPtr select_if(std::function<bool(Id)> predicate) {
  require(predicate != nullptr, "select_if needs a predicate, got an empty one");
  return std::make_shared<Predicate>(std::move(predicate));
}

}  // namespace knear
