#include "hdf5/libhdf5/dataset.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

namespace knear {
namespace {

constexpr std::size_t kChunkCacheSlots = 12'421;  // a prime, about 100 for each chunk that fits
constexpr std::size_t kChunkCacheBytes = std::size_t{64} << 20;

Hdf5Handle open_file(const std::filesystem::path& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // or else the library prints its errors
  if (!std::ifstream(path))
    throw Error(Error::io_failure, "cannot open '" + path.string() + "': " + std::strerror(errno));
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_file_locking(access, false, true);  // reading a shared or read-only folder needs no lock
  Hdf5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), H5Fclose);
  if (!file.valid()) fail_with_hdf5(Error::corrupt_file, "'" + path.string() + "' is no intact HDF5 file");
  return file;
}

std::string names_in(hid_t file) {
  H5G_info_t group = {};
  if (H5Gget_info(file, &group) < 0) return {};
  std::string names;
  for (hsize_t i = 0; i < group.nlinks; ++i) {
    std::array<char, 256> name = {};
    if (H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size(), H5P_DEFAULT) < 0) break;
    names.append(names.empty() ? "" : ", ").append(name.data());
  }
  return names;
}

Hdf5Handle open_dataset(hid_t file, const std::string& name, const std::string& title) {
  const Hdf5Handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
  H5Pset_chunk_cache(access, kChunkCacheSlots, kChunkCacheBytes, 1.0);
  Hdf5Handle dataset(H5Dopen2(file, name.c_str(), access), H5Dclose);
  if (dataset.valid()) return dataset;
  if (H5Lexists(file, name.c_str(), H5P_DEFAULT) > 0) fail_with_hdf5(Error::corrupt_file, title + " is no dataset");
  throw Error(Error::invalid_argument, title + " is not there; the file holds: " + names_in(file));
}

}  // namespace

Hdf5Dataset::Hdf5Dataset(const std::filesystem::path& path, const std::string& name)
    : title_("'" + path.string() + "' dataset \"" + name + "\""),
      file_(open_file(path)),
      dataset_(open_dataset(file_, name, title_)) {
  learn_type();
  learn_shape();
}

void Hdf5Dataset::learn_type() {
  const Hdf5Handle type(H5Dget_type(dataset_), H5Tclose);
  const H5T_class_t kind = H5Tget_class(type);
  if (kind != H5T_INTEGER && kind != H5T_FLOAT)
    throw Error(Error::unsupported, title_ + " holds neither whole numbers nor floating-point numbers");
  whole_numbers_ = kind == H5T_INTEGER;
  signed_ = kind == H5T_FLOAT || H5Tget_sign(type) == H5T_SGN_2;
  element_bytes_ = H5Tget_size(type);
}

void Hdf5Dataset::learn_shape() {
  const Hdf5Handle space(H5Dget_space(dataset_), H5Sclose);
  const int axes = H5Sget_simple_extent_ndims(space);
  if (axes != 1 && axes != 2)
    throw Error(Error::unsupported, title_ + " has " + std::to_string(axes) + " axes instead of 2");
  std::array<hsize_t, 2> lengths = {0, 1};
  H5Sget_simple_extent_dims(space, lengths.data(), nullptr);
  is_list_ = axes == 1;
  rows_ = lengths[0];
  dim_ = lengths[1];
  if (rows_ > 0 && dim_ == 0)
    throw Error(Error::corrupt_file, title_ + " has " + std::to_string(rows_) + " rows of dimension 0");
}

void Hdf5Dataset::read(std::size_t first, std::size_t count, hid_t memory_type, void* out) const {
  const std::array<hsize_t, 2> start = {first, 0};
  const std::array<hsize_t, 2> block = {count, dim_};
  const Hdf5Handle file_space(H5Dget_space(dataset_), H5Sclose);
  const Hdf5Handle memory_space(H5Screate_simple(is_list_ ? 1 : 2, block.data(), nullptr), H5Sclose);
  const bool good =
      H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start.data(), nullptr, block.data(), nullptr) >= 0 &&
      H5Dread(dataset_, memory_type, memory_space, file_space, H5P_DEFAULT, out) >= 0;
  if (!good)
    fail_with_hdf5(Error::corrupt_file,
                   title_ + ", rows " + std::to_string(first) + " to " + std::to_string(first + count));
}

}  // namespace knear
