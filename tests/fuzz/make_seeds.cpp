// Writes the files that the fuzzers start from: make_seeds FOLDER fills a folder in it for each fuzzer.
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "io/container.h"
#include "knear/dataset.h"
#include "knear/error.h"
#include "knear/io.h"
#include "knear/spec.h"
#include "vector_suffixes.h"

namespace knear {
namespace {

namespace fs = std::filesystem;

void write_container_seeds(const fs::path& folder) {
  fs::create_directories(folder);
  const auto write = [&](const char* name, const std::vector<std::size_t>& lengths) {
    write_container(folder / name, [&](SectionWriter& writer) {
      for (const std::size_t length : lengths)
        writer.section("section " + std::to_string(length), 1, std::vector<Byte>(length, Byte{7}));
    });
  };
  write("no sections", {});
  write("one", {10});
  write("several", {0, 1, 64, 1000});
  write("paged", {100, 65'536, 3});
  write_container(folder / "fields", [](SectionWriter& writer) {
    ByteSink sink;
    sink.u32(1);
    sink.text("text");
    sink.u64(2);
    sink.f32(3);
    writer.section("fields", 1, sink.bytes());
  });
}

std::vector<float> rows_of(std::size_t n, std::size_t dim) {
  std::vector<float> rows(n * dim);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i * 7919 % 101);
  return rows;
}

// One index of each spec and metric with consecutive ids, one with given ids and holes, one empty.
void write_index_seeds(const fs::path& folder) {
  fs::create_directories(folder);
  constexpr std::size_t kRows = 9;
  constexpr std::size_t kDim = 5;
  const auto rows = rows_of(kRows, kDim);
  const std::array<Id, kRows> ids = {5, 3, 1000, -7, 4, 1, 0, 99, 12};
  for (const char* spec :
       {"Flat", "Flat,exact=int8", "Flat,dtype=float16", "Flat,dtype=bfloat16", "Flat,dtype=int8", "Flat,dtype=uint8"})
    for (const Metric metric : {Metric::l2, Metric::cosine, Metric::jaccard}) {
      const std::string name = std::string(spec) + " " + name_of(metric);
      const auto index = index_factory(kDim, spec, metric);
      save(*index, folder / (name + " empty"));
      index->add(MatrixView(rows, kDim));
      save(*index, folder / name);
      index->clear();
      index->add(MatrixView(rows, kDim), {.ids = ids});
      index->remove(std::array<Id, 2>{3, 99});
      index->set_metadata({{"made by", "make_seeds"}, {"empty", ""}});
      save(*index, folder / (name + " with ids"));
    }
}

// One index of each codec, transform and wrapper.
void write_composed_seeds(const fs::path& folder) {
  constexpr std::size_t kRows = 40;
  constexpr std::size_t kDim = 6;
  const auto rows = rows_of(kRows, kDim);
  for (const char* spec : {"HNSW3,Flat",
                           "NSG3,Flat",
                           "SQ8",
                           "SQ6",
                           "SQ4,range=uniform",
                           "PQ3x4",
                           "PQ2x3",
                           "PQ2x3+3x2",
                           "FlatDedup,dtype=uint8",
                           "PQ3x4fs",
                           "LSH9rt",
                           "RaBitQ",
                           "RaBitQ3",
                           "ZnLattice2x6_4",
                           "PCA3,Flat",
                           "PCAWR2,SQ4",
                           "OPQ2_4,bits=2,PQ2x2",
                           "ITQ4,LSH4",
                           "ITQ4,SHm",
                           "IVF3,PCA3,SQ8",
                           "HR,Flat",
                           "RR4,Flat",
                           "L2norm,Flat",
                           "Centre,Flat",
                           "Pad8,PQ4x4fs",
                           "PQ3x4fs,RFlat",
                           "RR,RaBitQ,Refine(SQ8),k_factor=2"}) {
    const auto index = index_factory(kDim, spec);
    save(*index, folder / (std::string(spec) + " untrained"));
    if (!index->is_trained()) index->train(MatrixView(rows, kDim));
    index->add(MatrixView(rows, kDim));
    index->remove(std::array<Id, 2>{3, 33});
    save(*index, folder / spec);
  }
}

// Partitions of a few cells: codes of each layout, other coarse indexes and metrics.
void write_partition_seeds(const fs::path& folder) {
  constexpr std::size_t kRows = 40;
  constexpr std::size_t kDim = 6;
  const auto rows = rows_of(kRows, kDim);
  for (const char* spec :
       {"IVF3,Flat,exact=fp32", "IVF3,Flat,exact=int8", "IVF3,SQ8", "IVF3,nprobe=2,PQ3x4", "IVF3,PQ3x4fs",
        "IVF3,by_residual=on,PQ3x4fs", "IVF3,RaBitQ", "IVF3(Flat,dtype=float16),metric=ip,LSH", "IVF3(IVF2,Flat),Flat",
        "PCA3,IVF2,Flat,RFlat", "IVF2,FlatDedup", "IMI2x2,Flat,exact=fp32", "IMI3x1,PQ3x4fs", "IVF8(RCQ3x1),SQ8"}) {
    const auto index = index_factory(kDim, spec);
    save(*index, folder / (std::string(spec) + " untrained"));
    index->train(MatrixView(rows, kDim));
    save(*index, folder / (std::string(spec) + " empty"));
    index->add(MatrixView(rows, kDim));
    index->remove(std::array<Id, 2>{3, 33});
    save(*index, folder / spec);
  }
}

// Coarse indexes of combinations, alone: nothing is added to them.
void write_implicit_seeds(const fs::path& folder) {
  constexpr std::size_t kDim = 6;
  const auto rows = rows_of(40, kDim);
  for (const char* spec : {"IMI2x2", "RCQ2x2"}) {
    const auto index = index_factory(kDim, spec);
    save(*index, folder / (std::string(spec) + " untrained"));
    index->train(MatrixView(rows, kDim));
    save(*index, folder / spec);
  }
}

// Puts the byte that says the format in front of a file.
void write_vector_seed(const fs::path& seed, std::size_t format, const std::string& file) {
  std::ofstream(seed, std::ios::binary) << static_cast<char>(format) << file;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A small file of each format and element type that can be written, and pictures.
void write_vector_seeds(const fs::path& folder) {
  fs::create_directories(folder);
  const std::vector<Byte> zeros(2 * 3 * sizeof(float));
  for (std::size_t format = 0; format < kVectorSuffixes.size(); ++format)
    for (const DType dtype : {DType::f32, DType::f16, DType::i8, DType::u8}) try {
        const fs::path seed = folder / (std::string(name_of(dtype)) + kVectorSuffixes[format]);
        const auto writer = create_vectors(seed, 3, dtype);
        writer->append({zeros.data(), dtype, 2, 3});
        writer->finish();
        write_vector_seed(seed, format, bytes_of(seed));
      } catch (const Error& error) {  // not every format holds every type
        if (error.kind() != Error::wrong_type && error.kind() != Error::unsupported) throw;
      }
  const IdMatrix ids{.rows = 2, .k = 3, .ids = std::vector<Id>(6)};
  for (const std::size_t format : {1U, 6U, 7U}) {
    const fs::path seed = folder / (std::string("ids") + kVectorSuffixes[format]);
    write_ids(seed, ids);
    write_vector_seed(seed, format, bytes_of(seed));
  }
  using namespace std::string_literals;
  write_vector_seed(folder / "pictures", 8, "\0\0\x08\3\0\0\0\1\0\0\0\2\0\0\0\2abcd"s);
}

}  // namespace
}  // namespace knear

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_seeds FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  knear::write_container_seeds(folder / "container_fuzz");
  knear::write_index_seeds(folder / "index_fuzz");
  knear::write_composed_seeds(folder / "index_fuzz");
  knear::write_partition_seeds(folder / "index_fuzz");
  knear::write_implicit_seeds(folder / "index_fuzz");
  knear::write_vector_seeds(folder / "vectors_fuzz");
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "make_seeds: %s\n", error.what());
  return 1;
}
