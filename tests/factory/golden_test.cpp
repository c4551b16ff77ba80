#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <string>

#include "knear/knear.h"

namespace knear {
namespace {

// Rows of whole numbers that every element type holds: element j of row i is (7 i + 5 j) mod 11.
constexpr std::size_t kRows = 12;
constexpr std::size_t kDim = 3;

float element(std::size_t row, std::size_t j) { return static_cast<float>((7 * row + 5 * j) % 11); }

struct Golden {
  DType dtype;
  Metric metric;
};

class GoldenIndex : public testing::TestWithParam<Golden> {
 protected:
  const std::filesystem::path path_ =
      std::filesystem::path(KNEAR_GOLDEN_DIR) / ("flat-" + std::string(name_of(GetParam().dtype)) + "-v1.knear");
};

INSTANTIATE_TEST_SUITE_P(V1, GoldenIndex,
                         testing::Values(Golden{DType::f32, Metric::l2}, Golden{DType::f16, Metric::l2},
                                         Golden{DType::bf16, Metric::l2}, Golden{DType::i8, Metric::cosine},
                                         Golden{DType::u8, Metric::inner_product}),
                         [](const auto& instance) { return std::string(name_of(instance.param.dtype)); });

// Row 3 was removed. The float32 file has the ids 0, 1, 2, …, the others 1000 i^2 + 5.
TEST_P(GoldenIndex, HoldsWhatWasPutIn) {
  const auto [dtype, metric] = GetParam();
  for (const bool mmap : {true, false}) {
    const auto index = load(path_, {.mmap = mmap, .verify = true});
    EXPECT_EQ(index->dtype(), dtype);
    EXPECT_EQ(index->metric(), metric);
    EXPECT_EQ(index->metadata().at("made by"), "0.1");
    EXPECT_TRUE(index->verify().ok);
    std::vector<Id> ids;
    std::vector<float> rows;
    for (std::size_t i = 0; i < kRows; ++i) {
      if (i == 3) continue;
      ids.push_back(static_cast<Id>(dtype == DType::f32 ? i : 1000 * i * i + 5));
      for (std::size_t j = 0; j < kDim; ++j) rows.push_back(element(i, j));
    }
    ASSERT_EQ(index->ids(), ids);
    const Matrix stored = index->get(ids);
    EXPECT_TRUE(std::equal(rows.begin(), rows.end(), stored.floats()));
    const Neighbors found = index->search({rows, kDim}, 3);
    IndexFlat fresh(kDim, metric, dtype);
    fresh.add({rows, kDim}, {.ids = ids});
    EXPECT_EQ(found.ids, fresh.search({rows, kDim}, 3).ids);
  }
}

// Writing is as stable as reading: what is saved again has the same bytes.
TEST_P(GoldenIndex, IsWrittenAgainByteForByte) {
  const auto bytes = to_bytes(*load(path_));
  EXPECT_EQ(bytes.size(), std::filesystem::file_size(path_));
  EXPECT_EQ(to_bytes(*from_bytes(bytes)), bytes);
}

// Every codec, transform and wrapper, with what it learned: one file each. What it finds is in the file's metadata, as
// it was found when the file was written.
struct Kept {
  const char* name;  // of the file
  const char* spec;
  std::size_t dim = 8;
};

std::ostream& operator<<(std::ostream& out, const Kept& kept) { return out << kept.spec; }

class GoldenStages : public testing::TestWithParam<Kept> {
 protected:
  static constexpr std::size_t kStored = 40;

  // Whole numbers below 32, none too regular.
  static Matrix numbers(std::size_t rows, std::size_t dim, std::uint64_t seed) {
    Matrix values(DType::f32, rows, dim);
    std::uint64_t state = seed;
    for (std::size_t i = 0; i < rows * dim; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      values.floats()[i] = static_cast<float>(state >> 59);
    }
    return values;
  }

  static std::string found_by(const Index& index) {
    std::string text;
    for (const Id id : index.search(numbers(4, index.dim(), 99), 3).ids) text += std::to_string(id) + " ";
    return text;
  }

  std::filesystem::path path() const {
    return std::filesystem::path(KNEAR_GOLDEN_DIR) / (std::string(GetParam().name) + "-v1.knear");
  }

  // Set KNEAR_WRITE_GOLDEN to write the files that are not there.
  void write_if_asked() const {
    if (!std::getenv("KNEAR_WRITE_GOLDEN") || std::filesystem::exists(path())) return;
    const auto index = index_factory(GetParam().dim, GetParam().spec);
    index->train(numbers(400, GetParam().dim, 1));
    index->add(numbers(kStored, GetParam().dim, 7));
    index->set_metadata({{"found", found_by(*index)}});
    save(*index, path());
  }
};

INSTANTIATE_TEST_SUITE_P(
    V1, GoldenStages,
    testing::Values(Kept{"flat-shadows", "Flat,exact=int8"}, Kept{"pq", "PQ2x4"}, Kept{"pqr", "PQ2x4+4x3"},
                    Kept{"pq-planes", "PQ4x4fs"}, Kept{"pq-polysemous", "PQ2x3,order=polysemous"}, Kept{"sq8", "SQ8"},
                    Kept{"sq4-uniform", "SQ4,range=uniform,rangestat=quantiles"}, Kept{"lsh", "LSH16rt"},
                    Kept{"rabitq", "RaBitQ"}, Kept{"rabitq4", "RaBitQ4"}, Kept{"zn", "ZnLattice2x10_6"},
                    Kept{"pca", "PCAWR4,Flat"}, Kept{"opq", "OPQ2_4,bits=4,PQ2x4fs"}, Kept{"itq", "ITQ,LSH"},
                    Kept{"spectral", "ITQ6,SHm"}, Kept{"chain", "L2norm,Centre,HR,Pad10,Remap(3,0,-1,9),Flat"},
                    Kept{"rotation", "RR4,SQ6"}, Kept{"refine", "SQ4,Refine(SQ8),k_factor=2"},
                    Kept{"dedup", "FlatDedup,dtype=uint8", 1}, Kept{"refine-flat", "PCA4,PQ2x4fs,RFlat"},
                    Kept{"multi-index", "IMI2x2,nprobe=16,PQ2x4"},
                    Kept{"residual-levels", "IVF16(RCQ2x2),nprobe=9,SQ8"}, Kept{"hnsw", "HNSW4,Flat"},
                    Kept{"nsg", "NSG4,Flat"}, Kept{"vamana", "Vamana4,SQ8"}, Kept{"nn-descent", "NNDescent3,Flat"}),
    [](const auto& instance) {
      std::string name = instance.param.name;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

TEST_P(GoldenStages, FindWhatTheyFound) {
  write_if_asked();
  for (const bool mmap : {true, false}) {
    const auto index = load(path(), {.mmap = mmap, .verify = true});
    EXPECT_EQ(index->spec(), GetParam().spec);
    EXPECT_EQ(index->dim(), GetParam().dim);
    EXPECT_EQ(index->size(), kStored);
    EXPECT_TRUE(index->is_trained());
    EXPECT_TRUE(index->verify().ok);
    EXPECT_EQ(found_by(*index), index->metadata().at("found"));
  }
}

// Codes are made as they were: the rows that are in the file give the codes that are in the file.
TEST_P(GoldenStages, EncodeAsTheyDid) {
  const auto index = load(path());
  const auto fresh = load(path());
  fresh->clear();
  fresh->add(numbers(kStored, GetParam().dim, 7));
  EXPECT_EQ(to_bytes(*fresh).size(), to_bytes(*index).size());
  EXPECT_EQ(found_by(*fresh), index->metadata().at("found"));
}

TEST_P(GoldenStages, AreWrittenAgainByteForByte) {
  const auto bytes = to_bytes(*load(path()));
  EXPECT_EQ(bytes.size(), std::filesystem::file_size(path()));
  EXPECT_EQ(to_bytes(*from_bytes(bytes)), bytes);
}

}  // namespace
}  // namespace knear
