#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "storage/chunk.h"

namespace knear {
namespace {

// Chunks that are told apart by their serials, over several blocks and a part of one.
constexpr std::size_t kChunks = 101;

ChunkTable table_of(std::size_t chunks) {
  ChunkTable table;
  for (std::uint32_t serial = 0; serial < chunks; ++serial) table.push_back({.serial = serial});
  return table;
}

std::vector<std::uint32_t> serials_of(const ChunkTable& table) {
  std::vector<std::uint32_t> serials;
  for (const Chunk& chunk : table) serials.push_back(chunk.serial);
  return serials;
}

std::vector<std::uint32_t> first_numbers(std::size_t n) {
  std::vector<std::uint32_t> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0u);
  return numbers;
}

TEST(ChunkTable, HoldsItsChunksInOrder) {
  for (const std::size_t n : std::initializer_list<std::size_t>{0, 1, 31, 32, 33, 64, kChunks}) {
    const ChunkTable table = table_of(n);
    EXPECT_EQ(table.size(), n);
    EXPECT_EQ(table.empty(), n == 0);
    EXPECT_EQ(serials_of(table), first_numbers(n));
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(table[i].serial, i);
    if (n) {
      EXPECT_EQ(table.back().serial, n - 1);
    }
  }
}

TEST(ChunkTable, ACopyAndItsOriginalChangeApart) {
  ChunkTable original = table_of(kChunks);
  const ChunkTable before = original;
  ChunkTable copy = original;
  for (const std::size_t i : std::initializer_list<std::size_t>{0, 31, 32, kChunks - 1}) {
    copy.edit(i).serial = 1000 + static_cast<std::uint32_t>(i);
    EXPECT_EQ(original[i].serial, i);
    original.edit(i).count = 7;
    EXPECT_EQ(copy[i].count, 0u);
    EXPECT_EQ(copy[i].serial, 1000 + i);
    EXPECT_EQ(original[i].serial, i);
  }
  EXPECT_EQ(serials_of(before), first_numbers(kChunks));
  for (const Chunk& chunk : before) EXPECT_EQ(chunk.count, 0u);
}

TEST(ChunkTable, WhatComesToOneTableIsNotInTheOther) {
  for (const std::size_t n : std::initializer_list<std::size_t>{0, 5, 32, kChunks}) {
    ChunkTable original = table_of(n);
    ChunkTable copy = original;
    copy.push_back({.serial = 500});
    original.push_back({.serial = 600});
    original.push_back({.serial = 601});
    auto expected = first_numbers(n);
    expected.push_back(500);
    EXPECT_EQ(serials_of(copy), expected);
    expected.back() = 600;
    expected.push_back(601);
    EXPECT_EQ(serials_of(original), expected);
  }
}

TEST(ChunkTable, EditsOfBlocksThatNobodySharesStayInPlace) {
  ChunkTable table = table_of(kChunks);
  Chunk* const first = &table.edit(0);
  EXPECT_EQ(first, &table[0]);
  {
    const ChunkTable copy = table;
    EXPECT_EQ(&copy[0], first);
    EXPECT_NE(&table.edit(0), first);
    EXPECT_EQ(&copy[0], first);
  }
  EXPECT_EQ(&table.edit(40), &table[40]);
}

TEST(ChunkTable, IsIteratedInAnyOrder) {
  const ChunkTable table = table_of(kChunks);
  const auto begin = table.begin();
  const auto end = table.end();
  EXPECT_EQ(end - begin, static_cast<std::ptrdiff_t>(kChunks));
  EXPECT_EQ((begin + 40)->serial, 40u);
  EXPECT_EQ((40 + begin)->serial, 40u);
  EXPECT_EQ((end - 1)->serial, kChunks - 1);
  EXPECT_EQ(begin[64].serial, 64u);
  EXPECT_LT(begin, end);
  auto it = begin;
  EXPECT_EQ((it++)->serial, 0u);
  EXPECT_EQ((++it)->serial, 2u);
  EXPECT_EQ((it--)->serial, 2u);
  EXPECT_EQ((--it)->serial, 0u);
  EXPECT_EQ(it, begin);
  const auto found =
      std::lower_bound(begin, end, 77u, [](const Chunk& chunk, std::uint32_t serial) { return chunk.serial < serial; });
  EXPECT_EQ(found - begin, 77);
  std::vector<std::uint32_t> backwards;
  std::transform(std::make_reverse_iterator(end), std::make_reverse_iterator(begin), std::back_inserter(backwards),
                 [](const Chunk& chunk) { return chunk.serial; });
  std::reverse(backwards.begin(), backwards.end());
  EXPECT_EQ(backwards, first_numbers(kChunks));
}

}  // namespace
}  // namespace knear
