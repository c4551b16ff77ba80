// Writes the files that the fuzzers start from: make_seeds FOLDER fills FOLDER/container_fuzz and FOLDER/index_fuzz.
#include <array>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "io/container.h"
#include "knear/error.h"
#include "knear/io.h"
#include "knear/spec.h"

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
  for (const char* spec : {"Flat", "Flat,dtype=float16", "Flat,dtype=bfloat16", "Flat,dtype=int8", "Flat,dtype=uint8"})
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
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "make_seeds: %s\n", error.what());
  return 1;
}
