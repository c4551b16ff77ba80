#include "hdf5/hdf5_vectors.h"

#include <limits>
#include <new>

#include "hdf5/libhdf5/dataset.h"

namespace knear {
namespace {

class Hdf5Vectors final : public VectorFile {
 public:
  explicit Hdf5Vectors(Hdf5Dataset dataset) : dataset_(std::move(dataset)) {
    if (dataset_.is_list()) throw Error(Error::unsupported, dataset_.title() + " is a list, not a matrix");
    if (dataset_.holds_whole_numbers() && dataset_.element_bytes() == 1)
      dtype_ = dataset_.holds_signed() ? DType::i8 : DType::u8;
  }

  std::size_t rows() const noexcept override { return dataset_.rows(); }
  std::size_t dim() const noexcept override { return dataset_.dim(); }
  DType dtype() const noexcept override { return dtype_; }

  MatrixView read(std::size_t first, std::size_t count) override {
    if (first > rows() || count > rows() - first)
      throw Error(Error::invalid_argument, dataset_.title() + " has " + std::to_string(rows()) +
                                               " rows, so there are no " + std::to_string(count) + " from row " +
                                               std::to_string(first));
    if (count == 0) return {nullptr, dtype_, 0, dim()};
    if (block_.rows() < count) block_ = Matrix(dtype_, count, dim());
    dataset_.read(first, count, memory_type(), block_.data());
    return MatrixView(block_).slice(0, count);
  }

 private:
  hid_t memory_type() const {
    if (dtype_ == DType::f32) return H5T_NATIVE_FLOAT;
    return dtype_ == DType::i8 ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8;
  }

  Hdf5Dataset dataset_;
  DType dtype_ = DType::f32;
  Matrix block_;
};

// Room for rows x k ids. A header may promise more than the file holds and any memory takes.
std::vector<Id> room_for(const Hdf5Dataset& dataset) {
  try {
    if (dataset.dim() == 0 || dataset.rows() <= std::numeric_limits<std::size_t>::max() / sizeof(Id) / dataset.dim())
      return std::vector<Id>(dataset.rows() * dataset.dim());
  } catch (const std::exception&) {  // bad_alloc, length_error
  }
  throw Error(Error::out_of_memory, dataset.title() + ": no memory for " + std::to_string(dataset.rows()) + " x " +
                                        std::to_string(dataset.dim()) + " ids");
}

}  // namespace

std::unique_ptr<VectorFile> open_hdf5(const std::filesystem::path& path, const std::string& dataset) {
  return std::make_unique<Hdf5Vectors>(Hdf5Dataset(path, dataset.empty() ? "train" : dataset));
}

IdMatrix read_hdf5_ids(const std::filesystem::path& path, const std::string& dataset) {
  const Hdf5Dataset stored(path, dataset.empty() ? "neighbors" : dataset);
  if (!stored.holds_whole_numbers())
    throw Error(Error::wrong_type, stored.title() + " holds floating-point numbers, but ids are whole numbers");
  IdMatrix matrix{.rows = stored.rows(), .k = stored.dim(), .ids = room_for(stored)};
  if (!matrix.ids.empty()) stored.read(0, stored.rows(), H5T_NATIVE_INT64, matrix.ids.data());
  return matrix;
}

}  // namespace knear
