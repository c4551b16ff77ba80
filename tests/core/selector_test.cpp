#include "knear/selector.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>

#include "core/rng.h"
#include "expect_error.h"

namespace knear {
namespace {

constexpr Id kSmallest = std::numeric_limits<Id>::min();
constexpr Id kLargest = std::numeric_limits<Id>::max();

// A selector beside the slow, obvious answer.
struct Case {
  std::string name;
  SelectorPtr selector;
  std::function<bool(Id)> expected;
};

std::vector<Case> all_cases() {
  Rng rng(3);
  std::vector<Id> ids = {kSmallest, kLargest, -1, 0, (Id{1} << 53) + 1, 7, 7, -64};
  for (int i = 0; i < 300; ++i) ids.push_back(static_cast<Id>(rng.below(1000)) - 200);
  std::vector<std::uint8_t> bitmap(101);
  for (std::uint8_t& byte : bitmap) byte = static_cast<std::uint8_t>(rng.below(256));
  const auto in_ids = [set = std::set<Id>(ids.begin(), ids.end())](Id id) { return set.contains(id); };
  const auto in_bitmap = [bitmap](Id id) {
    return id >= 0 && id < 808 && (bitmap[static_cast<std::size_t>(id / 8)] >> (id % 8) & 1) != 0;
  };
  const auto in_range = [](Id id) { return -70 <= id && id < 333; };
  const auto odd = [](Id id) { return id % 2 != 0; };

  const SelectorPtr range = select_range(-70, 333);
  const SelectorPtr array = select_array(ids);
  const SelectorPtr bits = select_bitmap(bitmap);
  return {
      {"all", select_all(), [](Id) { return true; }},
      {"range", range, in_range},
      {"empty range", select_range(5, 5), [](Id) { return false; }},
      {"reversed range", select_range(50, 5), [](Id) { return false; }},
      {"widest range", select_range(kSmallest, kLargest), [](Id id) { return id != kLargest; }},
      {"array", array, in_ids},
      {"batch", select_batch(ids), in_ids},
      {"empty array", select_array({}), [](Id) { return false; }},
      {"empty batch", select_batch({}), [](Id) { return false; }},
      {"bitmap", bits, in_bitmap},
      {"empty bitmap", select_bitmap({}), [](Id) { return false; }},
      {"if", select_if(odd), odd},
      {"not", select_not(bits), [=](Id id) { return !in_bitmap(id); }},
      {"and", select_and(bits, range), [=](Id id) { return in_bitmap(id) && in_range(id); }},
      {"or", select_or(array, range), [=](Id id) { return in_ids(id) || in_range(id); }},
      {"xor", select_xor(select_if(odd), range), [=](Id id) { return odd(id) != in_range(id); }},
  };
}

bool bit(const std::vector<std::uint64_t>& bits, std::size_t i) { return (bits[i / 64] >> (i % 64) & 1) != 0; }

// The answer for ids[0], ids[1], …, and nothing past them nor past the words they need.
void expect_bits(const Case& c, const std::vector<Id>& ids, const std::vector<std::uint64_t>& bits) {
  for (std::size_t i = 0; i < ids.size(); ++i)
    ASSERT_EQ(bit(bits, i), c.expected(ids[i])) << c.name << ", id " << ids[i];
  const std::size_t words = (ids.size() + 63) / 64;
  for (std::size_t i = ids.size(); i < words * 64; ++i) ASSERT_FALSE(bit(bits, i)) << c.name << ", past the end";
  ASSERT_EQ(bits[words], 0xabcdu) << c.name << ", next word";
}

std::vector<std::uint64_t> dirty_bits(std::size_t n) {
  std::vector<std::uint64_t> bits((n + 63) / 64 + 1, ~std::uint64_t{0});
  bits.back() = 0xabcd;
  return bits;
}

TEST(Selector, ContainsWhatItSays) {
  for (const Case& c : all_cases()) {
    for (Id id = -300; id < 1100; ++id) ASSERT_EQ(c.selector->contains(id), c.expected(id)) << c.name << ' ' << id;
    for (const Id id : {kSmallest, kSmallest + 1, kLargest - 1, kLargest, Id{1} << 53, (Id{1} << 53) + 1})
      ASSERT_EQ(c.selector->contains(id), c.expected(id)) << c.name << ' ' << id;
  }
}

TEST(Selector, TestsManyIdsAtOnce) {
  Rng rng(4);
  for (const Case& c : all_cases())
    for (const std::size_t n : {0u, 1u, 63u, 64u, 65u, 1000u, 9000u}) {
      std::vector<Id> ids(n);
      for (Id& id : ids) id = static_cast<Id>(rng.below(1400)) - 300;
      if (n > 1) ids[1] = kLargest;
      std::vector<std::uint64_t> bits = dirty_bits(n);
      c.selector->test(ids.data(), n, bits.data());
      expect_bits(c, ids, bits);
    }
}

TEST(Selector, TestsRangesOfIds) {
  for (const Case& c : all_cases())
    for (const std::size_t n : {0u, 1u, 63u, 64u, 65u, 300u, 5000u})
      for (const Id first : {Id{0}, Id{1}, Id{63}, Id{-70}, Id{-129}, Id{332}, Id{790}, kSmallest, Id{1} << 53,
                             kLargest - static_cast<Id>(n)}) {
        std::vector<Id> ids(n);
        for (std::size_t i = 0; i < n; ++i) ids[i] = first + static_cast<Id>(i);
        std::vector<std::uint64_t> bits = dirty_bits(n);
        c.selector->test_range(first, n, bits.data());
        expect_bits(c, ids, bits);
      }
}

TEST(Selector, RefusesNullParts) {
  expect_error(Error::invalid_argument, "select_not", [] { select_not(nullptr); });
  expect_error(Error::invalid_argument, "select_and", [] { select_and(select_all(), nullptr); });
  expect_error(Error::invalid_argument, "select_or", [] { select_or(nullptr, select_all()); });
  expect_error(Error::invalid_argument, "select_xor", [] { select_xor(nullptr, nullptr); });
  expect_error(Error::invalid_argument, "predicate", [] { select_if({}); });
}

}  // namespace
}  // namespace knear
