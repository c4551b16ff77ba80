// Vector files of the field: read by block or mapped, written by block, of any size.
//
//   .fvecs .ivecs .bvecs        each row: int32 dimension, then the elements
//   .npy                        two-dimensional, C order; '<f4' '<f2' '|i1' '|u1' '<i4' '<i8' '<f8'
//   .fbin .u8bin .i8bin .ibin   uint32 rows, uint32 dimension, then the elements
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
#include "knear/selector.h"

namespace knear {

// A file of vectors, read by block. Nothing is read before it is asked for.
class VectorFile {
 public:
  virtual ~VectorFile() = default;
  virtual std::size_t rows() const noexcept = 0;
  virtual std::size_t dim() const noexcept = 0;
  virtual DType dtype() const noexcept = 0;  // as read() gives it; float64 files give f32
  // Rows [first, first + count). Zero-copy views where the file is mapped and its type is a DType;
  // the view lives as long as this object and until the next read() on it.
  virtual MatrixView read(std::size_t first, std::size_t count) = 0;
};

// Opens by extension; `dataset` names the part of a file that holds several ("train", "test").
// Throws Error::io_failure, Error::corrupt_file with the numbers that disagree, Error::unsupported.
std::unique_ptr<VectorFile> open_vectors(const std::filesystem::path& path, const std::string& dataset = "");

// A whole file of ids (.ivecs, .ibin, integer .npy), e.g. a ground truth: rows x k.
struct IdMatrix {
  std::size_t rows = 0;
  std::size_t k = 0;
  std::vector<Id> ids;
};
IdMatrix read_ids(const std::filesystem::path& path, const std::string& dataset = "");

// Writes a vector file row by row; the extension picks the format. finish() makes it appear
// (temporary file, fsync, rename); without finish() nothing is left behind.
class VectorFileWriter {
 public:
  virtual ~VectorFileWriter() = default;
  virtual void append(MatrixView rows) = 0;
  virtual void finish() = 0;
};
// .fvecs .bvecs .npy .fbin .u8bin .i8bin; Error::wrong_type when the format cannot hold the dtype.
std::unique_ptr<VectorFileWriter> create_vectors(const std::filesystem::path& path, std::size_t dim, DType dtype);

// .ivecs, .ibin (32-bit; Error::invalid_argument for ids beyond) or .npy (64-bit).
void write_ids(const std::filesystem::path& path, const IdMatrix& ids);

}  // namespace knear
