// Stores by cells: each cell's rows lie together, whatever happens to them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "core/expect_error.h"
#include "core/rng.h"
#include "storage/code_store.h"

namespace knear {
namespace {

// Codes are eight bytes that hold a number.
constexpr std::size_t kCodeBytes = 8;
constexpr std::size_t kCells = 5;

// Of one id: its cell and its number.
using Contents = std::map<Id, std::pair<std::size_t, std::uint64_t>>;

// Rows of one call, sorted by cell as a store wants them.
struct Rows {
  Rows(std::vector<std::uint32_t> cell_of_row, std::vector<std::uint64_t> value_of_row)
      : cells(std::move(cell_of_row)), values(std::move(value_of_row)) {
    for (std::uint32_t cell = 0; cell < kCells; ++cell) {
      const std::size_t before = order.size();
      for (std::size_t i = 0; i < cells.size(); ++i) {
        if (cells[i] == cell) order.push_back(i);
      }
      if (order.size() > before) runs.push_back({cell, order.size() - before});
    }
  }

  CodeStore::Change change() const {
    CodeStore::Change change;
    change.encode = [this](std::size_t first, std::size_t count, Byte* codes) {
      for (std::size_t i = 0; i < count; ++i) {
        std::memcpy(codes + i * kCodeBytes, &values[order[first + i]], kCodeBytes);
      }
    };
    change.cells = runs;
    change.order = order;
    return change;
  }

  std::vector<std::uint32_t> cells;
  std::vector<std::uint64_t> values;
  std::vector<CellRun> runs;
  std::vector<std::size_t> order;
};

Rows random_rows(std::size_t n, Rng& rng) {
  std::vector<std::uint32_t> cells;
  std::vector<std::uint64_t> values;
  for (std::size_t i = 0; i < n; ++i) {
    cells.push_back(static_cast<std::uint32_t>(rng.below(kCells)));
    values.push_back(rng.bits());
  }
  return {cells, values};
}

Contents contents_of(const Snapshot& snapshot) {
  Contents all;
  snapshot.for_live_slots([&](Slot slot) {
    Byte scratch[kCodeBytes];
    std::uint64_t value = 0;
    std::memcpy(&value, snapshot.code(slot, scratch), kCodeBytes);
    EXPECT_TRUE(all.try_emplace(snapshot.id(slot), slot >> 32, value).second) << "id " << snapshot.id(slot);
  });
  return all;
}

Contents contents_of(const CodeStore& store) { return contents_of(*store.snapshot()); }

std::vector<Byte> bytes_of(const CodeStore& store) {
  return write_container_bytes([&](SectionWriter& writer) { store.write(writer); });
}

class CellStore : public testing::TestWithParam<CodeLayout> {
 protected:
  std::unique_ptr<CodeStore> make() const { return std::make_unique<CodeStore>(kCodeBytes, GetParam(), kCells); }
  std::unique_ptr<CodeStore> read_back(const CodeStore& store) const {
    auto again = make();
    again->read(Container::from_bytes(bytes_of(store)));
    return again;
  }
};

INSTANTIATE_TEST_SUITE_P(Layouts, CellStore, testing::Values(CodeLayout::rows, CodeLayout::planes),
                         [](const auto& layout) { return layout.param == CodeLayout::rows ? "rows" : "planes"; });

// Every id that is looked up lies where the model says, and no other is found.
void expect_lookups(const CodeStore& store, const std::vector<Id>& ids, const Contents& model) {
  std::vector<Slot> slots(ids.size());
  const auto snapshot = store.locate(ids, slots.data());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto known = model.find(ids[i]);
    ASSERT_EQ(store.contains(ids[i]), known != model.end()) << "id " << ids[i];
    ASSERT_EQ(slots[i] != kNoSlot, known != model.end()) << "id " << ids[i];
    if (known == model.end()) continue;
    EXPECT_EQ(slots[i] >> 32, known->second.first);
    EXPECT_EQ(snapshot->id(slots[i]), ids[i]);
    std::uint64_t value = 0;
    store.fetch(std::span(&ids[i], 1), reinterpret_cast<Byte*>(&value));
    EXPECT_EQ(value, known->second.second);
  }
}

TEST_P(CellStore, FollowsAMapThroughRandomChange) {
  Rng rng(11);
  auto store = make();
  Contents model;
  Id next_id = 0;
  for (int step = 0; step < 500; ++step) {
    const Rows rows = random_rows(rng.below(60), rng);
    std::vector<Id> ids;
    for (std::size_t i = 0; i < rows.cells.size(); ++i) {
      ids.push_back(static_cast<Id>(rng.below(1500)) - 500);
      if (ids.back() == kNoId) ids.back() = 1;
    }
    switch (rng.below(8)) {
      case 0:
      case 1:
      case 2:
        store->append(ids.size(), ids, OnDuplicate::replace, rows.change());
        for (std::size_t i = 0; i < ids.size(); ++i) model[ids[i]] = {rows.cells[i], rows.values[i]};
        for (const Id id : ids) next_id = std::max(next_id, id + 1);
        break;
      case 3:
        store->append(ids.size(), {}, OnDuplicate::error, rows.change());
        for (std::size_t i = 0; i < ids.size(); ++i) model[next_id++] = {rows.cells[i], rows.values[i]};
        break;
      case 4: {  // rows that are there move to other cells
        std::vector<Id> known;
        for (const Id id : ids) {
          if (model.count(id) && std::find(known.begin(), known.end(), id) == known.end()) known.push_back(id);
        }
        const Rows moved = random_rows(known.size(), rng);
        store->replace(known, moved.change());
        for (std::size_t i = 0; i < known.size(); ++i) model[known[i]] = {moved.cells[i], moved.values[i]};
        break;
      }
      case 5:
      case 6: {
        std::size_t gone = 0;
        for (const Id id : ids) gone += model.erase(id);
        EXPECT_EQ(store->remove(ids), gone);
        break;
      }
      default:
        if (rng.below(4) == 0) {
          store->clear();
          model.clear();
          next_id = 0;
        } else if (rng.below(2)) {
          EXPECT_EQ(store->remove(*select_range(0, 40)),
                    std::erase_if(model, [](const auto& row) { return row.first >= 0 && row.first < 40; }));
        } else {
          auto again = read_back(*store);
          ASSERT_EQ(bytes_of(*again), bytes_of(*store));
          store = std::move(again);
        }
    }
    ASSERT_EQ(contents_of(*store), model) << "step " << step;
    ASSERT_EQ(store->snapshot()->live, model.size());
    ASSERT_EQ(store->next_id(), next_id);
    ASSERT_EQ(store->snapshot()->chunks.size(), kCells);
    if (step % 3 == 0) expect_lookups(*store, ids, model);
  }
  EXPECT_TRUE(store->verify().ok);
}

TEST_P(CellStore, KeepsTheOrderOfRowsWithinACell) {
  Rng rng(5);
  auto store = make();
  std::vector<std::vector<Id>> model(kCells);
  for (Id first = 0; first < 2000; first += 40) {
    const Rows rows = random_rows(40, rng);
    for (std::size_t i = 0; i < 40; ++i) model[rows.cells[i]].push_back(first + static_cast<Id>(i));
    store->append(40, {}, OnDuplicate::error, rows.change());
    const auto snapshot = store->snapshot();
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      std::vector<Id> ids;
      const Chunk& chunk = snapshot->chunks[cell];
      for (std::size_t row = 0; row < chunk.count; ++row) ids.push_back(chunk.id(row));
      ASSERT_EQ(ids, model[cell]);
    }
  }
}

// Cells with room, without, and empty ones, also where they lie in a file.
TEST_P(CellStore, AnOldSnapshotNeverChangesWhileItsCellsGrow) {
  Rng rng(3);
  auto store = make();
  for (int i = 0; i < 7; ++i) store->append(13, {}, OnDuplicate::error, random_rows(13, rng).change());
  for (const bool from_file : {false, true}) {
    if (from_file) store = read_back(*store);
    std::vector<std::pair<std::shared_ptr<const Snapshot>, Contents>> moments;
    for (std::size_t step = 0; step < 60; ++step) {
      moments.emplace_back(store->snapshot(), contents_of(*store));
      const std::size_t n = step % 5 == 0 ? 200 : 1;
      store->append(n, {}, OnDuplicate::error, random_rows(n, rng).change());
      const std::vector<Id> some{static_cast<Id>(step), static_cast<Id>(3 * step + 1)};
      store->replace(some, random_rows(2, rng).change());
      if (step % 20 == 19) store->remove(*select_range(static_cast<Id>(200 + step), static_cast<Id>(400 + 20 * step)));
    }
    store->append(1, {}, OnDuplicate::error, random_rows(1, rng).change());
    for (const auto& [snapshot, contents] : moments) EXPECT_EQ(contents_of(*snapshot), contents);
    store->clear();
    for (const auto& [snapshot, contents] : moments) EXPECT_EQ(contents_of(*snapshot), contents);
    for (int i = 0; i < 7; ++i) store->append(13, {}, OnDuplicate::error, random_rows(13, rng).change());
  }
}

TEST_P(CellStore, AFailureAnywhereChangesNothing) {
  Rng rng(4);
  auto store = make();
  store->append(70, {}, OnDuplicate::error, random_rows(70, rng).change());
  const Contents before = contents_of(*store);
  const auto bytes = bytes_of(*store);
  const auto stop = [] { throw Error(Error::stopped, "stopped"); };
  for (const std::size_t n : std::initializer_list<std::size_t>{1, 70, 5000}) {
    const Rows rows = random_rows(n, rng);
    std::vector<Id> ids;
    for (std::size_t i = 0; i < n; ++i) ids.push_back(static_cast<Id>(3 * i % n));
    for (int where = 0; where < 3; ++where) {
      CodeStore::Change change = rows.change();
      if (where == 0) change.encode = [&](std::size_t, std::size_t, Byte*) { stop(); };
      if (where == 1) change.complete = [&](Draft&) { stop(); };
      if (where == 2) change.on_commit = stop;
      expect_error(Error::stopped, "", [&] { store->append(n, {}, OnDuplicate::error, change); });
      expect_error(Error::stopped, "", [&] { store->append(n, ids, OnDuplicate::replace, change); });
      if (n > 70) continue;
      expect_error(Error::stopped, "", [&] { store->replace(ids, change); });
    }
    expect_error(Error::duplicate_id, "id 0 is", [&] { store->append(n, ids, OnDuplicate::error, rows.change()); });
  }
  EXPECT_EQ(contents_of(*store), before);
  EXPECT_EQ(store->next_id(), 70);
  EXPECT_EQ(bytes_of(*store), bytes);
  store->append(70, {}, OnDuplicate::error, random_rows(70, rng).change());
  EXPECT_EQ(contents_of(*store).size(), 140u);
  EXPECT_TRUE(store->verify().ok);
}

TEST_P(CellStore, OfRowsWithOneIdInOneCallTheLastStays) {
  auto store = make();
  const std::vector<Id> ids{7, 8, 7, 9, 7, 8};
  const Rows rows({4, 2, 0, 2, 1, 2}, {10, 11, 12, 13, 14, 15});
  const Contents expected{{7, {1, 14}}, {8, {2, 15}}, {9, {2, 13}}};
  for (int round = 0; round < 3; ++round) {
    store->append(6, ids, OnDuplicate::replace, rows.change());
    EXPECT_EQ(contents_of(*store), expected);
    expect_lookups(*store, {7, 8, 9, 10}, expected);
  }
  const Rows others({0, 3, 3, 0, 4, 0}, {20, 21, 22, 23, 24, 25});
  store->append(6, ids, OnDuplicate::replace, others.change());
  EXPECT_EQ(contents_of(*store), (Contents{{7, {4, 24}}, {8, {0, 25}}, {9, {0, 23}}}));
}

TEST_P(CellStore, RowsThatShareAnIdOverCellsGoTogether) {
  auto store = make();
  const std::vector<Id> ids(20, 5);
  Rng rng(8);
  store->append(20, ids, OnDuplicate::allow, random_rows(20, rng).change());
  store->append(20, {}, OnDuplicate::error, random_rows(20, rng).change());
  EXPECT_EQ(store->snapshot()->live, 40u);
  EXPECT_TRUE(store->contains(5));
  auto again = read_back(*store);
  for (CodeStore* each : {store.get(), again.get()}) {
    EXPECT_EQ(each->remove(std::vector<Id>{5}), 20u);
    EXPECT_FALSE(each->contains(5));
    EXPECT_EQ(contents_of(*each).size(), 20u);
  }
}

// The first removals of a store look through its ids; later ones, and those after a lookup, ask a map.
TEST_P(CellStore, RemovesTheSameWithAMapAndWithout) {
  Rng rng(6);
  constexpr std::size_t kRows = 6000;
  const Rows rows = random_rows(kRows, rng);
  std::vector<Id> ids;
  for (std::size_t i = 0; i < kRows; ++i) ids.push_back(static_cast<Id>(3 * i));
  auto with_map = make();
  auto without = make();
  for (CodeStore* store : {with_map.get(), without.get()}) {
    store->append(kRows, ids, OnDuplicate::error, rows.change());
  }
  EXPECT_TRUE(with_map->contains(3));
  EXPECT_GT(with_map->memory_bytes(), without->memory_bytes() + kRows);
  std::size_t left = kRows;
  for (int step = 0; step < 20; ++step) {
    std::vector<Id> gone;
    for (std::size_t i = 0; i < 1200; ++i) gone.push_back(static_cast<Id>(rng.below(4 * kRows)) - 100);
    const std::size_t removed = with_map->remove(gone);
    EXPECT_EQ(without->remove(gone), removed);
    left -= removed;
    ASSERT_EQ(contents_of(*with_map), contents_of(*without)) << "step " << step;
    ASSERT_EQ(without->snapshot()->live, left);
  }
  EXPECT_LT(left, kRows / 2);
  expect_lookups(*without, ids, contents_of(*with_map));
}

TEST_P(CellStore, OneAdditionWastesNoMemory) {
  Rng rng(9);
  constexpr std::size_t kRows = 50000;
  auto store = make();
  store->append(kRows, {}, OnDuplicate::error, random_rows(kRows, rng).change());
  constexpr std::size_t kNeeded = kRows * (kCodeBytes + sizeof(Id));
  EXPECT_LE(store->memory_bytes(), kNeeded * 102 / 100);
  EXPECT_GE(store->memory_bytes(), kNeeded);
}

// In planes, a cell of one row has room for 32.
TEST_P(CellStore, CountsTheMemoryOfWholeGroups) {
  auto store = make();
  store->append(kCells, {}, OnDuplicate::error, Rows({0, 1, 2, 3, 4}, {1, 2, 3, 4, 5}).change());
  const std::size_t rows = GetParam() == CodeLayout::planes ? 2 * kGroupRows : 1;  // and the copy for readers
  EXPECT_EQ(store->memory_bytes(), kCells * rows * kCodeBytes);
}

TEST_P(CellStore, RowByRowGrowthWastesAtMostAThird) {
  Rng rng(10);
  constexpr std::size_t kRows = 8000;
  auto store = make();
  for (std::size_t i = 0; i < kRows; ++i) store->append(1, {}, OnDuplicate::error, random_rows(1, rng).change());
  EXPECT_LE(store->memory_bytes(), kRows * (kCodeBytes + sizeof(Id)) * 4 / 3);
}

TEST_P(CellStore, GivesBackTheMemoryOfRemovedRows) {
  Rng rng(12);
  auto store = make();
  store->append(100000, {}, OnDuplicate::error, random_rows(100000, rng).change());
  const std::size_t full = store->memory_bytes();
  store->remove(*select_range(100, 100000));
  EXPECT_LT(store->memory_bytes(), full / 100);
  store->remove(*select_range(0, 100));
  EXPECT_EQ(store->snapshot()->rows(), 0u);
  EXPECT_EQ(store->snapshot()->chunks.size(), kCells);
  store->append(100, {}, OnDuplicate::error, random_rows(100, rng).change());
  EXPECT_EQ(contents_of(*store).begin()->first, 100000);
}

}  // namespace
}  // namespace knear
