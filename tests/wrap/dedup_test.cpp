// Equal rows stored once: the same results as without.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <limits>
#include <set>
#include <thread>

#include "../core/expect_error.h"
#include "core/rng.h"
#include "io/container.h"
#include "knear/knear.h"
#include "testing.h"

namespace knear {
namespace {

constexpr std::size_t kDim = 8;

// Rows of few kinds, so that many are equal and many more at the same distance.
std::vector<float> coarse_rows(std::size_t n, std::uint64_t kinds, Rng& rng) {
  std::vector<float> values;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t kind = rng.below(kinds);
    for (std::size_t j = 0; j < kDim; ++j) values.push_back(static_cast<float>(kind >> j % 5 & 3) / 3);
  }
  return values;
}

std::size_t distinct(const Index& index) { return index.stats().distinct_rows; }

// Every kind of search by both gives the same, bit for bit.
void expect_same(const Index& index, const Index& plain, MatrixView queries, std::uint64_t seed) {
  ASSERT_EQ(index.size(), plain.size());
  const std::vector<SelectorPtr> filters{nullptr, select_range(10, 90), select_if([seed](Id id) {
                                           return (static_cast<std::uint64_t>(id) * 7 + seed) % 3 == 0;
                                         })};
  for (const SelectorPtr& filter : filters) {
    for (const std::size_t k : {std::size_t{1}, std::size_t{7}, plain.size() / 2 + 1, plain.size() + 3}) {
      const Neighbors a = index.search(queries, k, {.filter = filter});
      const Neighbors b = plain.search(queries, k, {.filter = filter});
      ASSERT_EQ(a.ids, b.ids) << "k = " << k;
      ASSERT_EQ(0, std::memcmp(a.distances.data(), b.distances.data(), 4 * a.distances.size()));
      ASSERT_EQ(a.counts, b.counts);
    }
    const RangeNeighbors a = index.range_search(queries, 0.9f, {.filter = filter});
    const RangeNeighbors b = plain.range_search(queries, 0.9f, {.filter = filter});
    ASSERT_EQ(a.limits, b.limits);
    ASSERT_EQ(a.ids, b.ids);
    ASSERT_EQ(a.distances, b.distances);
  }
  std::vector<Id> ids = plain.ids();
  std::vector<Id> ours = index.ids();
  std::sort(ids.begin(), ids.end());
  std::sort(ours.begin(), ours.end());
  ASSERT_EQ(ours, ids);
  const Matrix kept = index.get(ids);
  const Matrix expected = plain.get(ids);
  ASSERT_TRUE(ids.empty() || std::memcmp(kept.floats(), expected.floats(), ids.size() * kDim * 4) == 0);
  const std::vector<std::vector<Id>> candidates(queries.rows(), {3, 50, 4, 3, 77, -1, 1000000});
  const RangeNeighbors a = index.rank(queries, candidates, 3);
  const RangeNeighbors b = plain.rank(queries, candidates, 3);
  ASSERT_EQ(a.ids, b.ids);
  ASSERT_EQ(a.distances, b.distances);
  ASSERT_EQ(index.next_id(), plain.next_id());
  const Report report = index.verify();
  ASSERT_TRUE(report.ok) << report.problems.front();
}

class DedupProperty : public testing::TestWithParam<const char*> {};

// The same random life in both, ids in any order.
TEST_P(DedupProperty, FindsWhatAPlainIndexFinds) {
  const std::string plain_spec = GetParam();
  std::string spec = plain_spec;
  spec.insert(spec.rfind("Flat") + 4, "Dedup");
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Rng rng(seed);
    const Metric metric = seed % 3 == 0 ? Metric::inner_product : seed % 3 == 1 ? Metric::l2 : Metric::l1;
    std::unique_ptr<Index> index = index_factory(kDim, spec, metric);
    const auto plain = index_factory(kDim, plain_spec, metric);
    ASSERT_EQ(index->spec(), spec);
    const std::uint64_t kinds = seed % 2 ? 20 : 1000;
    const auto training = coarse_rows(500, 1000, rng);
    for (Index* one : {index.get(), plain.get()}) one->train(MatrixView(training, kDim));
    const auto queries = coarse_rows(9, 1000, rng);
    for (int step = 0; step < 25; ++step) {
      const std::size_t n = 1 + rng.below(30);
      const auto rows = coarse_rows(n, kinds, rng);
      const MatrixView view(rows, kDim);
      std::vector<Id> ids;
      std::set<Id> once;
      while (once.size() < n) once.insert(static_cast<Id>(rng.below(150)));
      for (const Id id : once) ids.insert(ids.begin() + static_cast<long>(rng.below(ids.size() + 1)), id);
      const std::uint64_t kind = rng.below(6);
      if (kind == 0) {
        EXPECT_EQ(index->add(view), plain->add(view));
      } else if (kind <= 2) {
        ids.back() = ids.front();
        const AddOptions replace{.ids = ids, .on_duplicate = OnDuplicate::replace};
        EXPECT_EQ(index->add(view, replace), plain->add(view, replace));
      } else if (kind == 3) {
        EXPECT_EQ(index->remove(ids), plain->remove(ids));
      } else if (kind == 4) {
        const auto some = select_if([&](Id id) { return static_cast<std::uint64_t>(id) % 9 == seed; });
        EXPECT_EQ(index->remove(*some), plain->remove(*some));
      } else {
        std::erase_if(ids, [&](Id id) { return !plain->contains(id); });
        index->update(ids, view.slice(0, ids.size()));
        plain->update(ids, view.slice(0, ids.size()));
      }
      expect_same(*index, *plain, MatrixView(queries, kDim), seed);
      if (HasFatalFailure()) FAIL() << "seed " << seed << ", step " << step << ", kind " << kind;
      if (step % 7 == 0) index = from_bytes(to_bytes(*index));
    }
    EXPECT_LE(distinct(*index), std::min<std::size_t>(index->size(), kinds));
  }
}

INSTANTIATE_TEST_SUITE_P(Specs, DedupProperty,
                         testing::Values("Flat", "Flat,dtype=float16", "Flat,exact=int8", "IVF5,nprobe=5,Flat"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::erase_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); });
                           return name;
                         });

TEST(Dedup, AThousandCopiesAreOneRow) {
  const auto index = index_factory(kDim, "FlatDedup");
  const auto row = gaussian(1, kDim, 1);
  std::vector<float> copies;
  for (int i = 0; i < 500; ++i) copies.insert(copies.end(), row.begin(), row.end());
  index->add(MatrixView(copies, kDim));
  for (int i = 0; i < 500; ++i) index->add(MatrixView(row, kDim));
  index->add(MatrixView(gaussian(50, kDim, 2), kDim));
  EXPECT_EQ(index->size(), 1050u);
  EXPECT_EQ(distinct(*index), 51u);
  const Neighbors found = index->search(MatrixView(row, kDim), 1001);
  for (Id id = 0; id < 1000; ++id) {
    EXPECT_EQ(found.ids[static_cast<std::size_t>(id)], id);
    EXPECT_EQ(found.distances[static_cast<std::size_t>(id)], 0);
  }
  EXPECT_GE(found.ids[1000], 1000);
  EXPECT_EQ(index->remove(*select_range(0, 999)), 999u);
  EXPECT_EQ(distinct(*index), 51u);
  EXPECT_EQ(index->search(MatrixView(row, kDim), 1).ids[0], 999);
  const std::vector<Id> last{999};
  EXPECT_EQ(index->remove(last), 1u);
  EXPECT_EQ(distinct(*index), 50u);
  EXPECT_EQ(index->search(MatrixView(row, kDim), 60).counts[0], 50u);
  EXPECT_TRUE(index->verify().ok);
}

TEST(Dedup, AllEqualAndAllDistinct) {
  for (const char* spec : {"FlatDedup", "IVF4,FlatDedup", "FlatDedup,dtype=uint8", "FlatDedup,dtype=bfloat16"}) {
    const auto index = index_factory(kDim, spec);
    Matrix numbers(DType::f32, 200, kDim);
    for (std::size_t i = 0; i < 200 * kDim; ++i) numbers.floats()[i] = static_cast<float>(i / kDim);
    index->train(numbers);
    index->add(numbers);
    EXPECT_EQ(distinct(*index), 200u);
    EXPECT_EQ(index->add(numbers), 200u);
    EXPECT_EQ(distinct(*index), 200u) << spec;
    EXPECT_EQ(index->size(), 400u);
    index->clear();
    EXPECT_EQ(index->next_id(), 0);
    const std::vector<float> same(300 * kDim, 7);
    index->add(MatrixView(same, kDim));
    EXPECT_EQ(distinct(*index), 1u);
    EXPECT_EQ(index->search(MatrixView(same, kDim).slice(0, 1), 400).counts[0], 300u);
  }
}

TEST(Dedup, RowsAreEqualWhenTheirStoredBitsAre) {
  const auto rows_of = [](float value) {
    std::vector<float> row(kDim, 1);
    row[3] = value;
    return row;
  };
  const auto count = [&](const char* spec, std::initializer_list<float> values) {
    const auto index = index_factory(kDim, spec);
    for (const float value : values) index->add(MatrixView(rows_of(value), kDim), {.nan_policy = NanPolicy::keep});
    EXPECT_EQ(index->size(), values.size());
    return distinct(*index);
  };
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(count("FlatDedup", {0.0f, -0.0f, 0.0f}), 2u);
  EXPECT_EQ(count("FlatDedup", {nan, nan, std::bit_cast<float>(0x7fc00001)}), 2u);
  EXPECT_EQ(count("FlatDedup", {1, 1.0001f}), 2u);
  EXPECT_EQ(count("FlatDedup,dtype=float16", {1, 1.0001f, 1.1f}), 2u);
  EXPECT_EQ(count("FlatDedup,dtype=int8", {-0.0f, 0.0f, 0.3f, 1, 200, 127}), 3u);
}

TEST(Dedup, AnIdMayStandTwiceWhereThatIsAllowed) {
  for (const char* spec : {"FlatDedup", "IVF2,FlatDedup"}) {
    const auto index = index_factory(kDim, spec);
    const auto rows = gaussian(2, kDim, 3);
    const MatrixView both(rows, kDim);
    index->train(MatrixView(gaussian(100, kDim, 4), kDim));
    const std::vector<Id> ids{5, 5};
    index->add(both, {.ids = ids, .on_duplicate = OnDuplicate::allow});
    index->add(both, {.ids = ids, .on_duplicate = OnDuplicate::allow});
    EXPECT_EQ(index->size(), 4u);
    EXPECT_EQ(distinct(*index), 2u);
    const auto again = from_bytes(to_bytes(*index));
    EXPECT_EQ(again->search(both.slice(0, 1), 9, {.nprobe = std::string(spec) == "FlatDedup" ? 0u : 2u}).counts[0], 4u);
    EXPECT_TRUE(again->verify().ok);
    const std::vector<Id> five{5};
    EXPECT_EQ(again->remove(five), 4u);
    EXPECT_EQ(again->size(), 0u);
    EXPECT_FALSE(again->contains(5));
    EXPECT_EQ(index->add(both.slice(0, 1), {.ids = five, .on_duplicate = OnDuplicate::replace}), 1u);
    EXPECT_EQ(index->size(), 1u);
    EXPECT_TRUE(index->contains(5));
  }
}

TEST(Dedup, StandsInTransformsAndBelowRefinement) {
  Rng rng(4);
  const auto rows = coarse_rows(600, 30, rng);
  for (const char* spec : {"PCA4,IVF4,nprobe=4,FlatDedup", "IVF4,nprobe=4,FlatDedup,dtype=float16,RFlat",
                           "FlatDedup,RFlat", "SQ8,Refine(FlatDedup)"}) {
    auto index = index_factory(kDim, spec);
    EXPECT_EQ(index->spec(), spec);
    index->train(MatrixView(rows, kDim));
    index->add(MatrixView(rows, kDim));
    EXPECT_EQ(index->size(), 600u);
    const std::vector<Id> gone{3, 4, 5};
    EXPECT_EQ(index->remove(gone), 3u);
    index->update(std::vector<Id>{7, 8}, MatrixView(rows, kDim).slice(0, 2));
    index = from_bytes(to_bytes(*index));
    EXPECT_EQ(index->spec(), spec);
    EXPECT_TRUE(index->verify().ok);
    EXPECT_EQ(index->search(MatrixView(rows, kDim).slice(20, 1), 5).counts[0], 5u);
  }
}

TEST(Dedup, ACallThatFailsChangesNothing) {
  const auto index = index_factory(kDim, "FlatDedup");
  Rng rng(5);
  const auto rows = coarse_rows(300, 40, rng);
  index->add(MatrixView(rows, kDim));
  const auto before = to_bytes(*index);
  const auto fresh = gaussian(3, kDim, 6);
  AddOptions failing;
  failing.on_commit = [&] {
    EXPECT_EQ(index->size(), 300u) << "not yet to be seen";
    throw Error(Error::io_failure, "no");
  };
  for (const auto& some : {MatrixView(rows, kDim).slice(0, 3), MatrixView(fresh, kDim)}) {
    expect_error(Error::io_failure, "no", [&] { index->add(some, failing); });
    const std::vector<Id> ids{5, 6, 7};
    expect_error(Error::io_failure, "no", [&] { index->update(ids, some, failing); });
  }
  const std::vector<Id> unknown{5, 99999, 6};
  expect_error(Error::not_found, "99999", [&] { index->update(unknown, MatrixView(fresh, kDim)); });
  const std::vector<Id> twice{1000, 5000, 1000};
  expect_error(Error::duplicate_id, "1000 is given twice",
               [&] { index->add(MatrixView(fresh, kDim), {.ids = twice}); });
  const std::vector<Id> taken{1000, 1001, 17};
  expect_error(Error::duplicate_id, "17", [&] { index->add(MatrixView(fresh, kDim), {.ids = taken}); });
  const auto other = index_factory(kDim, "FlatDedup");
  other->add(MatrixView(rows, kDim));
  expect_error(Error::duplicate_id, "", [&] { index->merge(*other); });
  expect_error(Error::invalid_argument, "another shape", [&] { index->merge(*index_factory(kDim, "Flat")); });
  EXPECT_EQ(to_bytes(*index), before);
  index->merge(*other, {.ids = MergeIds::shift});
  EXPECT_EQ(index->size(), 600u);
  EXPECT_EQ(distinct(*index), distinct(*other));
}

TEST(Dedup, BasesThatDoNotFitAreRefused) {
  const auto kind = Error::invalid_argument;
  for (const char* spec : {"SQ8", "PQ4x4", "PCA4,Flat", "IVF4,by_residual=on,Flat", "FlatDedup"}) {
    expect_error(kind, "keeps rows as they are",
                 [&] { DedupIndex(std::shared_ptr<Index>(index_factory(kDim, spec))); });
  }
  auto full = std::shared_ptr<Index>(index_factory(kDim, "Flat"));
  full->add(MatrixView(gaussian(3, kDim, 1), kDim));
  expect_error(kind, "holds 3 rows", [&] { DedupIndex{full}; });
  for (const char* spec :
       {"FlatDedup2", "FlatDedup,nprobe=2", "IVF4,by_residual=on,FlatDedup", "FlatDedup,Flat", "SQ8Dedup"}) {
    expect_error(kind, "", [&] { index_factory(kDim, spec); });
  }
  EXPECT_EQ(IndexIVFFlatDedup(std::make_shared<IndexFlatL2>(kDim), kDim, 16).spec(), "IVF16,FlatDedup");
  EXPECT_EQ(parse_spec("IVF16, FlatDedup,dtype=uint8").str(), "IVF16,FlatDedup,dtype=uint8");
}

TEST(Dedup, ManyRemovalsLeaveNumbersToBeUsedAgain) {
  const auto index = index_factory(kDim, "FlatDedup");
  const auto plain = index_factory(kDim, "Flat");
  for (std::uint64_t round = 0; round < 12; ++round) {
    const auto rows = gaussian(700, kDim, round);
    for (Index* one : {index.get(), plain.get()}) {
      one->add(MatrixView(rows, kDim));
      std::vector<Id> ids = one->ids();
      std::sort(ids.begin(), ids.end());
      one->remove(std::span(ids).first(ids.size() / 3));
    }
    expect_same(*index, *plain, MatrixView(gaussian(5, kDim, 99), kDim), round);
    if (HasFatalFailure()) return;
  }
  EXPECT_LT(dynamic_cast<const DedupIndex&>(*index).base().next_id(), 5000);
}

TEST(Dedup, SearchesSeeOneMoment) {
  const auto index = index_factory(kDim, "FlatDedup");
  const std::vector<float> same(20 * kDim, 1);
  index->add(MatrixView(same, kDim));
  std::atomic<bool> stop = false;
  std::atomic<int> searches = 0;
  std::vector<std::jthread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      while (!stop) {
        const Neighbors found = index->search(MatrixView(same, kDim).slice(0, 1), 100);
        ASSERT_EQ(found.counts[0] % 20, 0u);
        const auto filter = select_if([&](Id id) { return index->contains(id); });
        index->search(MatrixView(same, kDim).slice(0, 1), 5, {.filter = filter});
        ++searches;
      }
    });
  }
  const std::vector<float> others(20 * kDim, 2);
  for (int round = 0; round < 60 || searches < 20; ++round) {
    index->add(round % 2 ? MatrixView(same, kDim) : MatrixView(others, kDim));
    std::vector<Id> ids = index->ids();
    std::sort(ids.begin(), ids.end());
    if (ids.size() > 60) index->remove(std::span(ids).first(20));
  }
  stop = true;
}

// The sections of a file, to be written again with changes.
class Rewritten {
 public:
  explicit Rewritten(const Index& index) : container_(Container::from_bytes(to_bytes(index))) {}
  std::unique_ptr<Index> with(std::string_view name, std::span<const Byte> bytes) const {
    return from_bytes(write_container_bytes([&](SectionWriter& writer) {
      for (const Section& section : container_.sections()) {
        writer.section(section.name, section.version, section.name == name ? bytes : section.bytes);
      }
    }));
  }
  std::vector<Byte> bytes(std::string_view name) const {
    const auto all = container_.find(name)->bytes;
    return {all.begin(), all.end()};
  }

 private:
  Container container_;
};

TEST(Dedup, FilesThatDisagreeAreCorrupt) {
  const auto index = index_factory(kDim, "FlatDedup");
  Rng rng(5);
  index->add(MatrixView(coarse_rows(50, 10, rng), kDim));
  const Rewritten file(*index);
  for (const char* name : {"dedup", "dedup.counts", "dedup.ids"}) {
    std::vector<Byte> bytes = file.bytes(name);
    EXPECT_EQ(file.with(name, bytes)->size(), 50u);
    bytes.pop_back();
    expect_error(Error::corrupt_file, "dedup", [&] { file.with(name, bytes); });
  }
  std::vector<Byte> counts = file.bytes("dedup.counts");
  counts[7] = 0xff;
  expect_error(Error::corrupt_file, "more than the 50 ids", [&] { file.with("dedup.counts", counts); });
  counts[7] = 0;
  counts[0] = static_cast<Byte>(counts[0] - 1);
  expect_error(Error::corrupt_file, "", [&] { file.with("dedup.counts", counts); });
  std::vector<Byte> ids = file.bytes("dedup.ids");
  std::swap_ranges(ids.begin(), ids.begin() + 8, ids.begin() + 8);
  expect_error(Error::corrupt_file, "do not ascend", [&] { file.with("dedup.ids", ids); });
  std::vector<Byte> facts = file.bytes("dedup");
  facts[15] = 0x10;
  expect_error(Error::corrupt_file, "", [&] { file.with("dedup", facts); });
  facts = file.bytes("dedup");
  facts[23] = 0xff;
  expect_error(Error::corrupt_file, "next id", [&] { file.with("dedup", facts); });
  // An id in two groups is found by verify().
  ids = file.bytes("dedup.ids");
  std::copy_n(ids.begin(), 8, ids.end() - 8);
  try {
    EXPECT_FALSE(file.with("dedup.ids", ids)->verify().ok);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::corrupt_file);
  }
}

}  // namespace
}  // namespace knear
