// Partitions whose cells are combinations.
#include <filesystem>
#include <set>
#include <stop_token>

#include "core/expect_error.h"
#include "partition/testing.h"

namespace knear {
namespace {

using testing::Distances;
using testing::filled_ivf;
using testing::make_ivf;
using testing::same;
using testing::trained_ivf;

constexpr std::size_t kDim = 12;

MatrixView view(const std::vector<float>& values) { return {values, kDim}; }

const std::vector<std::string> kSpecs = {"IMI2x4,Flat",          "IMI3x2,PQ4x4",
                                         "IMI2x3,PQ4x4fs",       "IMI2x3,by_residual=off,SQ8",
                                         "IVF64(RCQ2x3),SQ8",    "IVF64(RCQ3x2,beam_factor=-1),nprobe=5,Flat",
                                         "IVF256(RCQ2x4),RaBitQ"};

TEST(ImplicitCells, SearchesLookIntoTheCellsThatTheCoarseIndexFinds) {
  const auto rows = normals(2000 * kDim, 1);
  const auto queries = normals(60 * kDim, 2);
  for (const std::string& spec : kSpecs) {
    for (const Metric metric : {Metric::l2, Metric::inner_product}) {
      const auto index = filled_ivf(spec, view(rows), metric);
      for (const std::size_t nprobe : std::initializer_list<std::size_t>{8, 30}) {
        const Neighbors found = index->search(view(queries), 1, {.nprobe = nprobe});
        const Neighbors expected =
            testing::search_of_nearest_cells(*index, view(queries), 1, nprobe, Distances::of_codes);
        EXPECT_TRUE(same(found, expected)) << spec << " under " << name_of(metric) << ", nprobe " << nprobe;
      }
      const Neighbors all = index->search(view(queries), 50, {.nprobe = index->nlist()});
      std::vector<Id> every(index->nlist());
      for (std::size_t c = 0; c < every.size(); ++c) every[c] = static_cast<Id>(c);
      for (std::size_t q = 0; q < 5; ++q) {
        EXPECT_TRUE(same(testing::part_of(all, q, 1),
                         testing::search_of_cells(*index, view(queries).slice(q, 1), 50, every, Distances::of_codes)));
      }
    }
  }
}

TEST(ImplicitCells, FiltersAndLargeKAreFilledThoughMostCellsAreEmpty) {
  const auto rows = normals(400 * kDim, 1);
  const auto queries = normals(20 * kDim, 2);
  for (const char* spec : {"IMI2x8,Flat", "IVF65536(RCQ2x8),Flat"}) {
    const auto index = filled_ivf(spec, view(normals(400 * kDim, 1)));
    EXPECT_EQ(index->nlist(), 65536u);
    EXPECT_TRUE(same(index->search(view(queries), 400), reference_knn(*index, view(queries), 400))) << spec;
    EXPECT_EQ(index->search(view(queries), 500).counts, std::vector<std::size_t>(20, 400));
    const std::vector<Id> few{3, 77, 111};
    const auto filter = select_array(few);
    EXPECT_TRUE(same(index->search(view(queries), 3, {.filter = filter}),
                     reference_knn(*index, view(queries), 3, filter.get())));
    SearchStats stats;
    index->search(view(queries), 3, {.nprobe = 65536, .stats = &stats});
    EXPECT_EQ(stats.rows_scored, 20u * 400u);
  }
}

TEST(ImplicitCells, RowsLieInTheNearestCell) {
  const auto rows = normals(1000 * kDim, 1);
  for (const char* spec : {"IMI2x4,Flat", "IMI3x3,SQ8", "IVF256(RCQ2x4),Flat"}) {
    for (const Metric metric : {Metric::l2, Metric::inner_product}) {
      const auto index = filled_ivf(spec, view(rows), metric);
      const Neighbors nearest = index->coarse()->search(view(rows), 1);
      for (std::size_t cell = 0; cell < index->nlist(); ++cell) {
        for (const Id id : index->list_ids_of(cell))
          EXPECT_EQ(nearest.ids[static_cast<std::size_t>(id)], static_cast<Id>(cell));
      }
      // A row with NaN goes somewhere, and changes nothing for others.
      auto bad = rows;
      bad[5 * kDim] = std::numeric_limits<float>::quiet_NaN();
      if (std::string(spec).ends_with("SQ8")) continue;
      const auto other = trained_ivf(spec, view(rows), metric);
      other->add(view(bad), {.nan_policy = NanPolicy::keep});
      EXPECT_EQ(other->list_ids_of(static_cast<std::size_t>(nearest.ids[4])), [&] {
        auto ids = index->list_ids_of(static_cast<std::size_t>(nearest.ids[4]));
        std::erase(ids, 5);
        if (nearest.ids[4] == 0) ids.insert(std::lower_bound(ids.begin(), ids.end(), 5), 5);
        return ids;
      }());
    }
  }
}

TEST(ImplicitCells, ChangeAndComeBackFromFiles) {
  const auto rows = normals(2000 * kDim, 1);
  const auto queries = normals(30 * kDim, 2);
  const auto path = std::filesystem::temp_directory_path() / "knear_implicit_cells";
  for (const std::string& spec : kSpecs) {
    const auto index = filled_ivf(spec, view(rows));
    std::vector<Id> gone;
    for (Id id = 0; id < 2000; id += 3) gone.push_back(id);
    EXPECT_EQ(index->remove(gone), gone.size());
    const std::vector<Id> some{1, 4, 1999};
    index->update(some, view(queries).slice(0, 3));
    index->add(view(queries));
    EXPECT_TRUE(index->verify().ok);
    EXPECT_FALSE(index->contains(3));
    EXPECT_TRUE(index->contains(2029));
    const Neighbors found = index->search(view(queries), 9);
    save(*index, path);
    for (const bool mmap : {true, false}) {
      const auto back = load(path, {.mmap = mmap, .verify = true});
      EXPECT_EQ(back->spec(), index->spec());
      EXPECT_TRUE(same(back->search(view(queries), 9), found)) << spec;
      EXPECT_EQ(back->remove(some), 3u);
      EXPECT_EQ(to_bytes(*load(path)), to_bytes(*index));
    }
    const auto codes = index->encode(view(queries));
    EXPECT_EQ(from_bytes(to_bytes(*index))->encode(view(queries)), codes);
    EXPECT_EQ(index->decode(codes).rows(), 30u);
    // Codes of the same cells and codebooks are taken over as they are.
    const auto other = from_bytes(to_bytes(*index));
    other->clear();
    other->merge(*index);
    EXPECT_TRUE(same(other->search(view(queries), 9), found)) << spec;
    index->clear();
    EXPECT_TRUE(index->is_trained());
    EXPECT_EQ(index->size(), 0u);
  }
  std::filesystem::remove(path);
}

TEST(ImplicitCells, TrainingThatFailsLeavesWhatWasThere) {
  const auto rows = normals(2000 * kDim, 4);
  for (const char* spec : {"IMI2x4,PQ4x8", "IVF256(RCQ2x4),PQ4x8"}) {
    const auto index = make_ivf(kDim, spec);
    EXPECT_THROW(index->train(view(rows).slice(0, 100)), Error);  // enough for cells, too few for codes
    EXPECT_FALSE(index->is_trained());
    EXPECT_EQ(index->coarse()->size(), 0u);
    index->train(view(rows));
    EXPECT_EQ(index->coarse()->size(), 256u);
    const auto before = to_bytes(*index);
    EXPECT_THROW(index->train(view(rows).slice(0, 100)), Error);
    EXPECT_EQ(to_bytes(*index), before);
    std::stop_source source;
    source.request_stop();
    TrainOptions options;
    options.run.stop = source.get_token();
    EXPECT_THROW(index->train(view(rows), options), Error);
    EXPECT_EQ(to_bytes(*index), before);
    index->train(view(rows));
    EXPECT_EQ(to_bytes(*index), before);
  }
}

TEST(ImplicitCells, LeaveATrainedCoarseIndexAsItIs) {
  const auto rows = normals(2000 * kDim, 4);
  const auto coarse = std::make_shared<MultiIndexQuantizer>(kDim, 2, 4);
  coarse->train(view(rows).slice(0, 500));
  const auto before = to_bytes(*coarse);
  IndexIVFPQ index(coarse, kDim, 256, 4, 4);
  index.train(view(rows));
  EXPECT_EQ(to_bytes(*coarse), before);
  index.add(view(rows));
  EXPECT_EQ(index.size(), 2000u);
}

TEST(ImplicitCells, HaveOneSpelling) {
  const auto spelled = [](const char* spec) { return make_ivf(kDim, spec)->spec(); };
  for (const char* spec : {"IMI2x8,PQ4x8", "IMI2x3,by_residual=off,nprobe=7,SQ8", "IMI2x3,metric=ip,Flat",
                           "IVF256(RCQ2x4),Flat", "IVF256(RCQ2x4,beam_factor=8),by_residual=on,PQ4x4fs"}) {
    EXPECT_EQ(spelled(spec), spec);
    EXPECT_EQ(parse_spec(spec).str(), spec);
  }
  EXPECT_EQ(spelled("IVF65536(IMI2x8),PQ4x8"), "IMI2x8,PQ4x8");
  EXPECT_EQ(parse_spec("IVF64k(IMI2x8),PQ4x8").str(), "IMI2x8,PQ4x8");
  EXPECT_EQ(spelled("Residual16,PQ4x8"), "IVF16,by_residual=on,nprobe=16,PQ4x8");
  EXPECT_EQ(spelled("Residual2x3,PQ4"), "IMI2x3,by_residual=on,nprobe=64,PQ4x8");
  EXPECT_EQ(index_factory(kDim, "PCA8,IMI2x4,SQ8,RFlat")->spec(), "PCA8,IMI2x4,SQ8,RFlat");
  EXPECT_EQ(make_ivf(kDim, "IMI2x3,metric=l2,Flat", Metric::cosine)->spec(), "IMI2x3,metric=l2,Flat");
}

TEST(ImplicitCells, RefuseWhatDoesNotFit) {
  const auto refuses = [](const char* spec, const char* what) {
    expect_error(Error::invalid_argument, what, [&] { make_ivf(kDim, spec); });
  };
  refuses("IVF100(RCQ2x4),Flat", "100 cells");
  refuses("IVF100(IMI2x4),Flat", "100 cells");
  refuses("IMI5x2,Flat", "12");
  refuses("IMI2x4,IMI2x4,Flat", "two partitions");
  refuses("IMI2x4(Flat),Flat", "(Flat)");
  refuses("Residual,PQ4", "number of cells");
  refuses("Residual2x,PQ4", "bits");
  refuses("IMI2x4,nprobe=0,Flat", "nprobe=0");
  const auto coarse = std::make_shared<MultiIndexQuantizer>(kDim, 2, 4);
  expect_error(Error::invalid_argument, "256 rows for 255 cells", [&] { IndexIVFFlat(coarse, kDim, 255); });
  expect_error(Error::invalid_argument, "dimensions", [&] { IndexIVFFlat(coarse, kDim + 1, 256); });
}

TEST(Index2Layer, LooksThroughAllRows) {
  const auto rows = normals(1500 * kDim, 1);
  const auto queries = normals(30 * kDim, 2);
  const auto layers = Index2Layer(std::make_shared<MultiIndexQuantizer>(kDim, 2, 3), 64, 4, 4).spec();
  for (const std::string& spec : {std::string("Residual20,PQ4x4"), std::string("Residual2x3,PQ4x4"), layers}) {
    const auto index = filled_ivf(spec, view(rows));
    EXPECT_EQ(index->nprobe(), index->nlist());
    EXPECT_TRUE(same(index->search(view(queries), 20), reference_knn_of_codes(*index, view(queries), 20)));
    EXPECT_EQ(index->code_bytes(), 3u);  // the cell, then the code
    EXPECT_EQ(index->decode(index->encode(view(queries))).rows(), 30u);
  }
  EXPECT_THROW(Index2Layer(nullptr, 64, 4), Error);
}

TEST(Names, OfPartitionsBuildThem) {
  const auto flat = [](Metric metric = Metric::l2) { return std::make_shared<IndexFlat>(kDim, metric); };
  EXPECT_EQ(IndexIVFFlat(flat(), kDim, 20).spec(), "IVF20,Flat");
  EXPECT_EQ(IndexIVFFlat(flat(Metric::cosine), kDim, 20, Metric::cosine).metric(), Metric(Metric::cosine));
  EXPECT_EQ(IndexIVFPQ(flat(), kDim, 20, 4).spec(), "IVF20,PQ4x8");
  EXPECT_EQ(IndexIVFPQ(flat(), kDim, 20, 4, 6, Metric::inner_product).spec(), "IVF20,metric=l2,PQ4x6");
  EXPECT_EQ(IndexIVFPQFastScan(flat(), kDim, 20, 4).spec(), "IVF20,PQ4x4fs");
  EXPECT_EQ(IndexIVFScalarQuantizer(flat(), kDim, 20).spec(), "IVF20,SQ8");
  EXPECT_EQ(IndexIVFScalarQuantizer(flat(), kDim, 20, {.bits = 6}, Metric::l2, false).spec(),
            "IVF20,by_residual=off,SQ6");
  EXPECT_EQ(IndexIVFRaBitQ(flat(), kDim, 20, Metric::l2, 4).spec(), "IVF20,RaBitQ4");
  EXPECT_EQ(IndexIVFFlat(std::make_shared<ResidualCoarseQuantizer>(kDim, 2, 4), kDim, 256).spec(),
            "IVF256(RCQ2x4),Flat");
  EXPECT_EQ(Index2Layer(flat(), 20, 4).spec(), "IVF20,by_residual=on,nprobe=20,PQ4x8");
  const auto rows = normals(1000 * kDim, 1);
  IndexIVFRaBitQ index(flat(), kDim, 20);
  index.train(view(rows));
  EXPECT_EQ(index.add(view(rows)), 1000u);
}

}  // namespace
}  // namespace knear
