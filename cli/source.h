// The files that a command is told to read: any format of vectors or ids, also packed or from standard input.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "knear/dataset.h"
#include "session.h"

namespace knear::cli {

// "glove.hdf5:test" names a data set inside an HDF5 file; a command says which one it means otherwise.
struct Source {
  std::filesystem::path path;
  std::string dataset;
};
Source source_of(const std::string& argument, const std::string& default_dataset);

// Opens vectors of any format: those of knear::open_vectors, HDF5, either with .gz behind (unpacked to a temporary
// file), and "-" for lines of numbers on standard input. Throws Error as open_vectors does.
std::unique_ptr<VectorFile> open_source(const std::string& argument, const std::string& default_dataset,
                                        const Session& session);

// Reads ids of any format: those of knear::read_ids and HDF5.
IdMatrix read_id_source(const std::string& argument, const std::string& default_dataset);

// Do files of this name hold vectors or ids?
bool is_vector_file(const std::string& argument);

// Consecutive rows [first, end).
struct RowRange {
  std::size_t first = 0;
  std::size_t end = 0;
};

// Calls body(first, block) for the rows of the range, some MiB at a time; looks at the stop token in between.
template <class Body>
void for_each_block(VectorFile& file, RowRange range, const Session& session, Body body) {
  constexpr std::size_t kBlockBytes = std::size_t{32} << 20;
  const std::size_t row_bytes = file.dim() * bytes_of(file.dtype());
  const std::size_t block_rows = kBlockBytes / (row_bytes + 1) + 1;
  for (std::size_t first = range.first; first < range.end; first += block_rows) {
    session.stop_if_asked();
    body(first, file.read(first, std::min(block_rows, range.end - first)));
  }
}

}  // namespace knear::cli
