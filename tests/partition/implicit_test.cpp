// Coarse indexes whose centroids are combinations, alone: against a loop over all cells.
#include <filesystem>
#include <limits>
#include <set>
#include <utility>

#include "core/expect_error.h"
#include "core/rng.h"
#include "io/container.h"
#include "partition/ascending_sums.h"
#include "partition/testing.h"

namespace knear {
namespace {

using testing::same;

constexpr std::size_t kDim = 12;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

MatrixView view(const std::vector<float>& values) { return {values, kDim}; }

std::unique_ptr<Index> trained(const std::string& spec, const std::vector<float>& rows, Metric metric = Metric::l2) {
  auto index = index_factory(kDim, spec, metric);
  index->train(view(rows));
  return index;
}

// Distances that tie in all sorts of ways: small whole numbers.
std::vector<float> whole_numbers(std::size_t n, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(n * kDim);
  for (float& value : values) value = static_cast<float>(rng.below(4));
  return values;
}

// Exact ones; those that look at a beam are exact where it holds all cells.
const std::vector<std::string> kExact = {"IMI2x3",
                                         "IMI3x2",
                                         "IMI1x5",
                                         "IMI12x1",
                                         "IMI4x2",
                                         "RCQ2x3,beam_factor=-1",
                                         "RCQ3x2,beam_factor=64",
                                         "RCQ1x4",
                                         "RCQ5x1,beam_factor=-1"};

TEST(AscendingSums, ComeInOrderAndAllOnce) {
  Rng rng(1);
  for (const auto& [lists, bits] : std::vector<std::pair<std::size_t, std::size_t>>{{1, 3}, {2, 4}, {3, 3}, {8, 1}}) {
    const std::size_t each = std::size_t{1} << bits;
    std::vector<double> values(lists * each);
    for (double& value : values) value = static_cast<double>(rng.below(20));
    AscendingSums sums(lists, bits);
    for (int again = 0; again < 2; ++again) {
      sums.start(values);
      std::set<Id> seen;
      double last = -1;
      while (const auto sum = sums.next()) {
        double expected = 0;
        for (std::size_t l = 0; l < lists; ++l) {
          expected += values[l * each + (static_cast<std::size_t>(sum->id) >> (l * bits) & (each - 1))];
        }
        EXPECT_EQ(sum->distance, expected);
        EXPECT_GE(sum->distance, last);
        last = sum->distance;
        EXPECT_TRUE(seen.insert(sum->id).second);
      }
      EXPECT_EQ(seen.size(), std::size_t{1} << (lists * bits));
    }
  }
}

TEST(ImplicitIndex, FindsWhatALoopOverAllCellsFinds) {
  for (const std::string& spec : kExact) {
    for (const Metric metric : {Metric::l2, Metric::inner_product}) {
      for (const auto& rows : {normals(500 * kDim, 1), whole_numbers(500, 2)}) {
        const auto index = trained(spec, rows, metric);
        const auto queries = normals(9 * kDim, 3);
        for (const std::size_t k : std::initializer_list<std::size_t>{1, 2, 7, index->size(), index->size() + 3}) {
          EXPECT_TRUE(same(index->search(view(queries), k), reference_knn(*index, view(queries), k)))
              << spec << " under " << name_of(metric) << ", k = " << k;
          EXPECT_TRUE(same(index->search(view(rows).slice(0, 9), k), reference_knn(*index, view(rows).slice(0, 9), k)))
              << spec;
        }
      }
    }
  }
}

TEST(ImplicitIndex, FiltersFillK) {
  const std::vector<Id> few{1, 5, 17, 18};
  for (const std::string spec : {"IMI2x4", "RCQ2x4,beam_factor=-1", "RCQ2x4"}) {
    const auto index = trained(spec, normals(500 * kDim, 1));
    const auto queries = normals(9 * kDim, 3);
    const auto filter = select_array(few);
    const Neighbors found = index->search(view(queries), 4, {.filter = filter});
    EXPECT_TRUE(same(found, reference_knn(*index, view(queries), 4, filter.get()))) << spec;
    const std::vector<SelectorPtr> each(9, filter);
    EXPECT_TRUE(same(index->search(view(queries), 4, {.filters = each}), found));
  }
}

TEST(ImplicitIndex, RangeSearchAndRankAgreeWithSearch) {
  for (const std::string spec : {"IMI2x4", "RCQ2x4", "RCQ3x2"}) {
    for (const Metric metric : {Metric::l2, Metric::inner_product}) {
      const auto index = trained(spec, normals(500 * kDim, 1), metric);
      const auto queries = normals(5 * kDim, 3);
      const Neighbors all = index->search(view(queries), index->size());
      const float radius = all.distances[20];
      const RangeNeighbors range = index->range_search(view(queries), radius);
      const RangeNeighbors ranked =
          index->rank(view(queries), std::vector<std::vector<Id>>(5, index->ids()), index->size());
      EXPECT_EQ(ranked.ids, all.ids);
      EXPECT_EQ(ranked.distances, all.distances);
      for (std::size_t q = 0; q < 5; ++q) {
        std::vector<Id> expected;
        for (std::size_t i = q * all.k; i < (q + 1) * all.k; ++i) {
          if (metric == Metric::l2 ? all.distances[i] < radius : all.distances[i] > radius)
            expected.push_back(all.ids[i]);
        }
        const std::vector<Id> found(range.ids.begin() + static_cast<std::ptrdiff_t>(range.limits[q]),
                                    range.ids.begin() + static_cast<std::ptrdiff_t>(range.limits[q + 1]));
        EXPECT_EQ(found, expected) << spec;
      }
      const std::vector<std::vector<Id>> others{{-5, 3, 3, 1'000'000}};
      EXPECT_EQ(index->rank(view(queries).slice(0, 1), others, 5).ids, std::vector<Id>{3});
    }
  }
}

TEST(ImplicitIndex, IsTheSameForAnyBatchAndThreads) {
  for (const std::string spec : {"IMI2x5", "RCQ2x5"}) {
    const auto rows = normals(3000 * kDim, 1);
    TrainOptions one;
    one.run.num_threads = 1;
    TrainOptions many;
    many.run.num_threads = 5;
    const auto a = index_factory(kDim, spec);
    const auto b = index_factory(kDim, spec);
    a->train(view(rows), one);
    b->train(view(rows), many);
    EXPECT_EQ(to_bytes(*a), to_bytes(*b));
    const Neighbors whole = a->search(view(rows), 9);
    for (std::size_t first : std::initializer_list<std::size_t>{0, 1, 500}) {
      SearchOptions options;
      options.run.num_threads = 3;
      EXPECT_TRUE(same(a->search(view(rows).slice(first, 77), 9, options), testing::part_of(whole, first, 77)));
    }
    EXPECT_EQ(a->encode(view(rows)), b->encode(view(rows)));
  }
}

TEST(ImplicitIndex, IsEmptyUntilItIsTrainedAndThenHoldsAll) {
  for (const std::string spec : {"IMI2x3", "RCQ2x3"}) {
    const auto index = index_factory(kDim, spec);
    EXPECT_EQ(index->spec(), spec);
    EXPECT_FALSE(index->is_trained());
    EXPECT_TRUE(index->capabilities().needs_training);
    EXPECT_EQ(index->size(), 0u);
    EXPECT_FALSE(index->contains(0));
    EXPECT_THROW(index->search(view(normals(kDim, 1)), 1), Error);
    EXPECT_EQ(from_bytes(to_bytes(*index))->size(), 0u);
    expect_error(Error::invalid_argument, "at least as many rows, not 7",
                 [&] { index->train(view(normals(7 * kDim, 1))); });
    auto bad = normals(100 * kDim, 1);
    bad[30] = kNan;
    expect_error(Error::invalid_argument, "2", [&] { index->train(view(bad)); });
    EXPECT_FALSE(index->is_trained());
    const auto rows = normals(100 * kDim, 1);
    index->train(view(rows));
    EXPECT_EQ(index->size(), 64u);
    EXPECT_EQ(index->next_id(), 64);
    EXPECT_EQ(index->stats().ntotal, 64u);
    EXPECT_EQ(index->code_bytes(), 1u);
    EXPECT_TRUE(index->contains(63));
    EXPECT_FALSE(index->contains(64));
    EXPECT_EQ(index->ids().size(), 64u);
    EXPECT_TRUE(index->verify().ok);
    const std::vector<Id> beyond{3, 64};
    expect_error(Error::not_found, "64", [&] { index->get(beyond); });
    for (const bool mmap : {false, true}) {
      const auto path = std::filesystem::temp_directory_path() / ("knear_implicit_" + spec);
      save(*index, path);
      const auto back = load(path, {.mmap = mmap});
      EXPECT_EQ(back->spec(), spec);
      EXPECT_TRUE(same(back->search(view(rows), 5), index->search(view(rows), 5)));
      std::filesystem::remove(path);
    }
  }
}

TEST(ImplicitIndex, PassesOverQueriesThatAreNoNumbers) {
  auto queries = normals(3 * kDim, 1);
  queries[kDim + 2] = kNan;
  queries[2 * kDim] = 1e18f;  // far, but a number
  for (const std::string spec : {"IMI2x3", "RCQ2x3"}) {
    for (const Metric metric : {Metric::l2, Metric::inner_product}) {
      const auto index = trained(spec, normals(300 * kDim, 1), metric);
      for (const std::size_t q : std::initializer_list<std::size_t>{0, 2}) {
        const MatrixView one = view(queries).slice(q, 1);
        EXPECT_TRUE(same(index->search(one, 64), reference_knn(*index, one, 64))) << spec;
      }
      EXPECT_EQ(index->search(view(queries), 2).counts, (std::vector<std::size_t>{2, 0, 2}));
      EXPECT_EQ(index->range_search(view(queries).slice(1, 1), 1e9f).ids.size(), 0u);
      const std::vector<float> farthest(kDim, 3e38f);
      EXPECT_EQ(index->search(view(farthest), 100).counts.front(), 64u);
    }
  }
}

TEST(ImplicitIndex, CodesAreNumbersOfCells) {
  for (const std::string spec : {"IMI2x5", "RCQ2x5,beam_factor=-1"}) {
    const auto rows = normals(500 * kDim, 1);
    const auto index = trained(spec, rows);
    const auto codes = index->encode(view(rows));
    ASSERT_EQ(codes.size(), 1000u);
    const Neighbors nearest = index->search(view(rows), 1);
    for (std::size_t i = 0; i < 500; ++i) EXPECT_EQ(codes[2 * i] + 256 * codes[2 * i + 1], nearest.ids[i]);
    const Matrix decoded = index->decode(codes);
    const Matrix centroids = index->get(nearest.ids);
    EXPECT_TRUE(std::equal(decoded.floats(), decoded.floats() + 500 * kDim, centroids.floats()));
    const std::vector<Byte> beyond{0, 4};
    expect_error(Error::invalid_argument, "cell 1024 of 1024", [&] { index->decode(beyond); });
  }
}

TEST(ImplicitIndex, RefusesWhatChangesRows) {
  const auto rows = normals(300 * kDim, 1);
  const std::vector<Id> some{1};
  for (const std::string spec : {"IMI2x3", "RCQ2x3"}) {
    const auto index = trained(spec, rows);
    const auto other = trained(spec, rows);
    const auto before = to_bytes(*index);
    const auto refuses = [&](const auto& call) { expect_error(Error::unsupported, spec, call); };
    refuses([&] { index->add(view(rows)); });
    refuses([&] { index->remove(some); });
    refuses([&] { index->remove(*select_all()); });
    refuses([&] { index->update(some, view(rows).slice(0, 1)); });
    refuses([&] { index->merge(*other); });
    refuses([&] { index->clear(); });
    expect_error(Error::invalid_argument, "nprobe", [&] { index->search(view(rows), 1, {.nprobe = 3}); });
    EXPECT_EQ(to_bytes(*index), before);
  }
}

// A beam finds most of what there is; a wider one more.
TEST(ImplicitIndex, BeamsFindNearlyAll) {
  const auto rows = normals(4000 * kDim, 1);
  const auto index = trained("RCQ3x4", rows);
  const Neighbors exact = reference_knn(*index, view(rows).slice(0, 200), 10);
  const auto recall = [&](const Index& of) {
    const Neighbors found = of.search(view(rows).slice(0, 200), 10);
    std::size_t same = 0;
    for (std::size_t q = 0; q < 200; ++q) {
      const std::set<Id> right(exact.ids.begin() + static_cast<std::ptrdiff_t>(q * 10),
                               exact.ids.begin() + static_cast<std::ptrdiff_t>(q * 10 + 10));
      for (std::size_t i = 0; i < 10; ++i) same += right.count(found.ids[q * 10 + i]);
    }
    return static_cast<double>(same) / 2000;
  };
  EXPECT_GT(recall(*index), 0.8);
  EXPECT_GT(recall(*trained("RCQ3x4,beam_factor=16", rows)), 0.97);
  EXPECT_EQ(recall(*trained("RCQ3x4,beam_factor=-1", rows)), 1);
  EXPECT_FALSE(index->capabilities().exact);
  EXPECT_TRUE(trained("IMI2x2", rows)->capabilities().exact);
}

TEST(ImplicitIndex, RefusesWhatCannotBe) {
  const auto refuses = [](const std::string& spec, const std::string& what, Metric metric = Metric::l2) {
    expect_error(Error::invalid_argument, what, [&] { index_factory(kDim, spec, metric); });
  };
  refuses("IMI5x2", "12");
  refuses("IMI0x2", "0 codebooks");
  refuses("IMI2x0", "2^0");
  refuses("IMI2x13", "2^24");
  refuses("IMI2x17", "2^17");
  refuses("IMI99999999999x1", "2^24");
  refuses("IMI2", "bits");
  refuses("IMIx2", "number of codebooks");
  refuses("IMI2x8z", "z");
  refuses("IMI2x8,beam_factor=2", "beam_factor");
  refuses("RCQ2x8,beam_factor=0", "not 0");
  refuses("RCQ2x8,beam_factor=x", "beam_factor");
  refuses("RCQ2x8", "cosine", Metric::cosine);
  refuses("IMI2x8", "l1", Metric::l1);
  refuses("IMI2x8,RFlat", "RFlat");
  refuses("PCA4,RCQ2x2", "RCQ2x2");
  refuses("IVF16,RCQ2x2", "RCQ2x2");
}

TEST(ImplicitIndex, CodebooksOfOtherShapeAreCorrupt) {
  const auto read = [](const std::string& spec, const std::vector<float>& table, std::uint32_t version = 1) {
    const auto fill = [&](SectionWriter& writer) {
      ByteSink sink;
      sink.floats(table);
      writer.section("codebooks", version, sink.bytes());
    };
    index_factory(kDim, spec)->read(Container::from_bytes(write_container_bytes(fill)));
  };
  std::vector<float> table(8 * kDim);
  EXPECT_NO_THROW(read("IMI2x3", table));
  expect_error(Error::corrupt_file, "codebooks", [&] { read("RCQ2x3", table); });
  expect_error(Error::corrupt_file, "codebooks", [&] { read("IMI2x2", table); });
  expect_error(Error::corrupt_file, "codebooks", [&] { read("IMI2x12", table); });
  expect_error(Error::unsupported, "newer", [&] { read("IMI2x3", table, 2); });
  table[5] = kNan;
  expect_error(Error::corrupt_file, "codebooks", [&] { read("IMI2x3", table); });
}

TEST(Names, OfImplicitIndexesBuildThem) {
  EXPECT_EQ(MultiIndexQuantizer(kDim, 2, 8).spec(), "IMI2x8");
  EXPECT_EQ(MultiIndexQuantizer(kDim, 3, 4, Metric::inner_product).metric(), Metric(Metric::inner_product));
  EXPECT_EQ(ResidualCoarseQuantizer(kDim, 2, 10).spec(), "RCQ2x10");
  EXPECT_EQ(ResidualCoarseQuantizer(kDim, 2, 10, Metric::l2, -1).spec(), "RCQ2x10,beam_factor=-1");
}

}  // namespace
}  // namespace knear
