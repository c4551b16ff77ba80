// Readers and writers at the same time: every answer is of rows that were there.
#include <atomic>
#include <cmath>
#include <thread>

#include "core/rng.h"
#include "partition/testing.h"

namespace knear {
namespace {

using testing::trained_ivf;

constexpr std::size_t kDim = 8;
constexpr std::size_t kIds = 400;
constexpr std::size_t kVersions = 3;  // that each row goes through
constexpr std::size_t kQueries = 40;

MatrixView view(const std::vector<float>& values) { return {values, kDim}; }

struct Kind {
  const char* spec;
  Metric metric;
};

class IvfThreads : public ::testing::TestWithParam<Kind> {
 protected:
  IvfThreads() {
    index_ = trained_ivf(GetParam().spec, view(versions_), GetParam().metric);
    // All versions of all rows, version v of row i under the id 3 i + v.
    const auto known = trained_ivf(GetParam().spec, view(versions_), GetParam().metric);
    known->add(view(versions_));
    std::vector<Id> ids(kIds * kVersions);
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<Id>(i);
    decoded_ = known->get(ids);
    const Neighbors all = known->search(view(queries_), ids.size(), {.nprobe = known->nlist()});
    distances_.resize(kQueries * ids.size());
    for (std::size_t q = 0; q < kQueries; ++q) {
      EXPECT_EQ(all.counts[q], ids.size());
      for (std::size_t i = q * ids.size(); i < (q + 1) * ids.size(); ++i) {
        distances_[q * ids.size() + static_cast<std::size_t>(all.ids[i])] = all.distances[i];
      }
    }
  }

  MatrixView row_of(std::size_t id, std::size_t version) const {
    return view(versions_).slice(id * kVersions + version, 1);
  }
  void expect_known(std::size_t query, Id id, float distance) const {
    ASSERT_GE(id, 0);
    ASSERT_LT(id, static_cast<Id>(kIds));
    const float* const mine = distances_.data() + query * kIds * kVersions + static_cast<std::size_t>(id) * kVersions;
    EXPECT_NE(std::find(mine, mine + kVersions, distance), mine + kVersions)
        << "query " << query << " has id " << id << " at " << distance;
  }
  void expect_known(const Neighbors& found, std::size_t first) const {
    for (std::size_t q = 0; q < found.queries; ++q) {
      std::set<Id> ids;
      for (std::size_t i = q * found.k; i < q * found.k + found.counts[q]; ++i) {
        EXPECT_TRUE(ids.insert(found.ids[i]).second) << "id " << found.ids[i] << " twice";
        expect_known(first + q, found.ids[i], found.distances[i]);
      }
    }
  }

  void search_on_and_on(const std::atomic<bool>& stop, std::uint64_t seed) const {
    Rng rng(seed);
    do {
      const std::size_t first = rng.below(kQueries);
      const std::size_t count = rng.below(2) ? 1 : kQueries - first;
      const MatrixView queries = view(queries_).slice(first, count);
      const std::size_t nprobe = 1 + rng.below(6);
      const std::size_t k = rng.below(4) ? 8 : 300;
      expect_known(index_->search(queries, k, {.nprobe = nprobe}), first);
      const Neighbors cells = index_->coarse()->search(queries, 2);
      expect_known(index_->search_preassigned(queries, 8, cells.ids), first);
      const float radius = distances_[first * kIds * kVersions + rng.below(kIds)];
      const RangeNeighbors near = index_->range_search(queries, radius, {.nprobe = nprobe});
      for (std::size_t q = 0; q < count; ++q) {
        for (std::size_t i = near.limits[q]; i < near.limits[q + 1]; ++i) {
          expect_known(first + q, near.ids[i], near.distances[i]);
        }
      }
    } while (!stop);
  }

  void get_on_and_on(const std::atomic<bool>& stop) const {
    Rng rng(77);
    do {
      const auto id = static_cast<Id>(rng.below(kIds));
      try {
        const Matrix row = index_->get(std::span(&id, 1));
        const float* const mine = decoded_.floats() + static_cast<std::size_t>(id) * kVersions * kDim;
        bool known = false;
        for (std::size_t v = 0; v < kVersions; ++v) {
          known |= std::equal(row.floats(), row.floats() + kDim, mine + v * kDim);
        }
        EXPECT_TRUE(known) << "id " << id;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), Error::not_found);
      }
      (void)index_->contains(id);
      const auto lists = index_->lists();
      EXPECT_EQ(lists.sizes.size(), index_->nlist());
      EXPECT_LE(index_->stats().ntotal, kIds);
    } while (!stop);
  }

  // What is saved is one moment, too.
  void save_on_and_on(const std::atomic<bool>& stop) const {
    do {
      const auto again = from_bytes(to_bytes(*index_));
      const std::vector<Id> ids = again->ids();
      EXPECT_EQ(std::set<Id>(ids.begin(), ids.end()).size(), ids.size());
      expect_known(again->search(view(queries_), 20), 0);
      EXPECT_TRUE(again->verify().ok);
    } while (!stop);
  }

  // Adds, updates and removes rows, each call a few.
  void change(int rounds) {
    Rng rng(5);
    std::vector<bool> there(kIds);
    for (int round = 0; round < rounds; ++round) {
      std::vector<Id> fresh, known;
      for (std::size_t i = 1 + rng.below(25); i > 0; --i) {
        const std::size_t id = rng.below(kIds);
        std::vector<Id>& ids = there[id] ? known : fresh;
        if (std::find(ids.begin(), ids.end(), static_cast<Id>(id)) == ids.end()) ids.push_back(static_cast<Id>(id));
      }
      const auto rows_for = [&](const std::vector<Id>& ids) {
        Matrix rows(DType::f32, ids.size(), kDim);
        for (std::size_t i = 0; i < ids.size(); ++i) {
          row_of(static_cast<std::size_t>(ids[i]), rng.below(kVersions)).copy_row(0, rows.floats() + i * kDim);
        }
        return rows;
      };
      index_->add(rows_for(fresh), {.ids = fresh});
      for (const Id id : fresh) there[static_cast<std::size_t>(id)] = true;
      if (round % 4 == 3) {
        EXPECT_EQ(index_->remove(known), known.size());
        for (const Id id : known) there[static_cast<std::size_t>(id)] = false;
      } else {
        index_->update(known, rows_for(known));
      }
    }
    EXPECT_EQ(index_->size(), static_cast<std::size_t>(std::count(there.begin(), there.end(), true)));
  }

  const std::vector<float> versions_ = normals(kIds * kVersions * kDim, 1);
  const std::vector<float> queries_ = normals(kQueries * kDim, 2);
  std::unique_ptr<IvfIndex> index_;
  Matrix decoded_;
  std::vector<float> distances_;  // of each query to each version of each row
};

INSTANTIATE_TEST_SUITE_P(Kinds, IvfThreads,
                         ::testing::Values(Kind{"IVF12,Flat", Metric::l2},
                                           Kind{"IVF12,Flat,exact=int8", Metric::cosine},
                                           Kind{"IVF12,SQ8", Metric::inner_product}, Kind{"IVF12,PQ4x4fs", Metric::l2},
                                           Kind{"IVF12,RaBitQ", Metric::l2}),
                         [](const auto& kind) { return "kind" + std::to_string(kind.index); });

TEST_P(IvfThreads, SearchesSeeRowsThatWereThere) {
  std::atomic<bool> stop = false;
  std::vector<std::jthread> readers;
  readers.emplace_back([&] { search_on_and_on(stop, 1); });
  readers.emplace_back([&] { search_on_and_on(stop, 2); });
  readers.emplace_back([&] { get_on_and_on(stop); });
  readers.emplace_back([&] { save_on_and_on(stop); });
  change(150);
  stop = true;
  readers.clear();
  EXPECT_TRUE(index_->verify().ok);
}

TEST_P(IvfThreads, WritersTakeTurns) {
  std::vector<std::jthread> writers;
  for (std::size_t w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      for (std::size_t id = w; id < kIds; id += 4) {
        const auto mine = static_cast<Id>(id);
        index_->add(row_of(id, 0), {.ids = std::span(&mine, 1)});
        index_->update(std::span(&mine, 1), row_of(id, 1 + id % 2));
        if (id % 5 == 0) {
          EXPECT_EQ(index_->remove(std::span(&mine, 1)), 1u);
        }
      }
    });
  }
  writers.clear();
  EXPECT_EQ(index_->size(), kIds - kIds / 5);
  const auto expected = trained_ivf(GetParam().spec, view(versions_), GetParam().metric);
  for (std::size_t id = 0; id < kIds; ++id) {
    const auto mine = static_cast<Id>(id);
    if (id % 5) expected->add(row_of(id, 1 + id % 2), {.ids = std::span(&mine, 1)});
  }
  EXPECT_TRUE(testing::same(index_->search(view(queries_), 10), expected->search(view(queries_), 10)));
  EXPECT_TRUE(index_->verify().ok);
}

}  // namespace
}  // namespace knear
