// Vector files of the field: read by block or mapped, written by block, of any size. And made-up vectors.
//
//   .fvecs .ivecs .bvecs        each row: int32 dimension, then the elements
//   .npy                        two axes, C order; '<f4' '<f2' '|i1' '|u1' as they are, '<f8' '<i4' '<u4' '<i8' '<u8'
//                               rounded to float32
//   .fbin .u8bin .i8bin .ibin   uint32 rows, uint32 dimension, then the elements
//   -ubyte .idx                 MNIST's IDX files of bytes; all axes but the first make up a row
//   .hdf5 .h5                   the layout of ann-benchmarks: datasets train, test, neighbors, distances
//                               (the readers of HDF5 live in the command line, not in the library)
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "knear/matrix.h"
#include "knear/parallel.h"
#include "knear/selector.h"

namespace knear {

// A file of vectors, read by block. Nothing is read before it is asked for.
class VectorFile {
 public:
  virtual ~VectorFile() = default;
  virtual std::size_t rows() const noexcept = 0;
  virtual std::size_t dim() const noexcept = 0;
  virtual DType dtype() const noexcept = 0;  // as read() gives it; float64 files give f32
  // Rows [first, first + count). Views of the mapped file where it holds a DType, else copies; they live as long
  // as this object and until the next read() on it. Error::invalid_argument for rows that are not there,
  // Error::corrupt_file when a row says another dimension. (A mapped file must not be cut short by others.)
  virtual MatrixView read(std::size_t first, std::size_t count) = 0;
};

// Opens by the end of the name; `dataset` names the part of a file that holds several ("train", "test").
// Throws Error::io_failure, Error::corrupt_file with the numbers that disagree, Error::unsupported with advice.
std::unique_ptr<VectorFile> open_vectors(const std::filesystem::path& path, const std::string& dataset = "");

// `count` rows drawn without repetition, spread evenly over the file, in its order and dtype; all rows when it has no
// more. For training: only these rows are read. The same rows for the same seed, anywhere.
Matrix sample_rows(VectorFile& file, std::size_t count, std::uint64_t seed = 1234, const RunOptions& options = {});

// A whole file of ids (.ivecs, .ibin, integer .npy or IDX), e.g. a ground truth: rows x k; a list is read with k = 1.
// Distances behind the ids of an .ibin are left alone. Error::wrong_type when the file holds other numbers.
struct IdMatrix {
  std::size_t rows = 0;
  std::size_t k = 0;
  std::vector<Id> ids;
};
IdMatrix read_ids(const std::filesystem::path& path, const std::string& dataset = "");

// Writes a vector file block by block; the end of the name picks the format. finish() makes the file appear
// (temporary file, fsync, rename); without finish() nothing is left behind.
class VectorFileWriter {
 public:
  virtual ~VectorFileWriter() = default;
  // Rows of the writer's dtype, or of any where that is f32. Error::invalid_argument for another dimension,
  // Error::wrong_type, Error::io_failure; after a failed write only the destructor is left to call.
  virtual void append(MatrixView rows) = 0;
  virtual void finish() = 0;
};
// .fvecs .bvecs .npy .fbin .u8bin .i8bin; Error::wrong_type when the format cannot hold the dtype.
std::unique_ptr<VectorFileWriter> create_vectors(const std::filesystem::path& path, std::size_t dim, DType dtype);

// .ivecs, .ibin (32-bit; Error::invalid_argument for ids beyond) or .npy (64-bit).
void write_ids(const std::filesystem::path& path, const IdMatrix& ids);

// Made-up vectors that are near to real ones: Gaussian clusters, each spread out in few directions, some of
// which it shares with other clusters, and a little noise in all of them.
struct SyntheticOptions {
  std::size_t rows = 10'000;
  std::size_t dim = 128;
  std::size_t clusters = 100;      // their centres' elements have standard deviation 1
  std::size_t intrinsic_dim = 16;  // directions of a cluster; at most dim
  float spread = 0.5F;             // standard deviation of a row's elements around its centre
  float noise = 0.05F;             // and of the noise that is added to them, evenly distributed
  std::uint64_t seed = 1234;
  std::uint64_t first_row = 0;  // rows first_row, first_row + 1, …; queries are rows that the base leaves out
  RunOptions run = {};
};
// rows x dim float32. A row depends on the options before `seed` except `rows`, on the seed and on its own number
// only, to the last bit on every machine: blocks made apart are those of one large matrix.
// Error::invalid_argument for dim = 0, clusters = 0, intrinsic_dim > dim, or a spread or noise that is no number >= 0.
Matrix synthetic_vectors(const SyntheticOptions& options);

}  // namespace knear
