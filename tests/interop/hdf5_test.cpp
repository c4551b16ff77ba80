// HDF5 datasets as ann-benchmarks and others write them.
#include "hdf5/hdf5_vectors.h"

#include <hdf5.h>

#include <numeric>

#include "interop/temp_folder.h"

namespace knear {
namespace {

using testing::expect_error;
using testing::floats_of;

enum class Storage { contiguous, chunked };

// Adds a dataset that holds `values` to an HDF5 file.
template <class Value>
void add_dataset(hid_t file, const char* name, const std::vector<hsize_t>& shape, hid_t type,
                 const std::vector<Value>& values, hid_t memory_type, Storage storage = Storage::contiguous) {
  const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
  const hid_t how = H5Pcreate(H5P_DATASET_CREATE);
  if (storage == Storage::chunked) {
    const std::vector<hsize_t> chunk(shape.size(), 3);
    ASSERT_GE(H5Pset_chunk(how, static_cast<int>(chunk.size()), chunk.data()), 0);
    H5Pset_shuffle(how);
  }
  const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, how, H5P_DEFAULT);
  ASSERT_GE(dataset, 0) << name;
  if (!values.empty()) {
    ASSERT_GE(H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
  }
  H5Dclose(dataset);
  H5Pclose(how);
  H5Sclose(space);
}

std::vector<float> counted(std::size_t n) {
  std::vector<float> values(n);
  std::iota(values.begin(), values.end(), 1.0F);
  return values;
}

class Hdf5 : public ::testing::Test {
 protected:
  void SetUp() override {
    const hid_t file = H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    add_dataset(file, "train", {7, 5}, H5T_IEEE_F32LE, counted(35), H5T_NATIVE_FLOAT);
    add_dataset(file, "test", {7, 5}, H5T_IEEE_F64BE, counted(35), H5T_NATIVE_FLOAT, Storage::chunked);
    add_dataset(file, "bytes", {2, 2}, H5T_STD_U8LE, counted(4), H5T_NATIVE_FLOAT);
    add_dataset(file, "signed", {2, 2}, H5T_STD_I8LE, std::vector<int>{-128, 0, 1, 127}, H5T_NATIVE_INT);
    add_dataset(file, "shorts", {2, 2}, H5T_STD_I16BE, counted(4), H5T_NATIVE_FLOAT);
    add_dataset(file, "neighbors", {2, 3}, H5T_STD_I32LE, std::vector<int>{5, 4, 3, 2, 1, -1}, H5T_NATIVE_INT);
    add_dataset(file, "labels", {4}, H5T_STD_I64LE, std::vector<Id>{9, 8, 7, Id{1} << 60}, H5T_NATIVE_INT64);
    add_dataset(file, "empty", {0, 5}, H5T_IEEE_F32LE, std::vector<float>{}, H5T_NATIVE_FLOAT);
    add_dataset(file, "cube", {1, 2, 2}, H5T_IEEE_F32LE, counted(4), H5T_NATIVE_FLOAT);
    add_dataset(file, "huge", {hsize_t{1} << 40, hsize_t{1} << 20}, H5T_STD_I32LE, std::vector<int>{}, H5T_NATIVE_INT,
                Storage::chunked);
    H5Fclose(file);
  }

  std::vector<float> values_of(const std::string& dataset) {
    const auto file = open_hdf5(path_, dataset);
    return floats_of(file->read(0, file->rows()));
  }

  testing::TempFolder folder_;
  std::filesystem::path path_ = folder_ / "a.hdf5";
};

TEST_F(Hdf5, GivesTheSameRowsInAnyBlocksAndLayout) {
  for (const char* dataset : {"train", "test", ""}) {
    const auto file = open_hdf5(path_, dataset);
    EXPECT_EQ(file->dtype(), DType::f32);
    EXPECT_EQ(file->dim(), 5U);
    ASSERT_EQ(file->rows(), 7U);
    for (std::size_t rows = 1; rows <= 7; ++rows) {
      std::vector<float> all;
      for (std::size_t first = 0; first < 7; first += rows) {
        const std::vector<float> block = floats_of(file->read(first, std::min(rows, 7 - first)));
        all.insert(all.end(), block.begin(), block.end());
      }
      EXPECT_EQ(all, counted(35));
    }
    EXPECT_EQ(file->read(7, 0).rows(), 0U);
  }
}

TEST_F(Hdf5, KeepsBytesAndConvertsOtherNumbers) {
  EXPECT_EQ(open_hdf5(path_, "bytes")->dtype(), DType::u8);
  EXPECT_EQ(values_of("bytes"), counted(4));
  EXPECT_EQ(open_hdf5(path_, "signed")->dtype(), DType::i8);
  EXPECT_EQ(values_of("signed"), (std::vector<float>{-128, 0, 1, 127}));
  EXPECT_EQ(open_hdf5(path_, "shorts")->dtype(), DType::f32);
  EXPECT_EQ(values_of("shorts"), counted(4));
  EXPECT_EQ(values_of("empty").size(), 0U);
}

TEST_F(Hdf5, GivesIds) {
  const IdMatrix truth = read_hdf5_ids(path_, "");
  EXPECT_EQ(truth.rows, 2U);
  EXPECT_EQ(truth.k, 3U);
  EXPECT_EQ(truth.ids, (std::vector<Id>{5, 4, 3, 2, 1, -1}));
  const IdMatrix labels = read_hdf5_ids(path_, "labels");
  EXPECT_EQ(labels.k, 1U);
  EXPECT_EQ(labels.ids, (std::vector<Id>{9, 8, 7, Id{1} << 60}));
}

TEST_F(Hdf5, SaysWhatIsWrong) {
  expect_error(Error::invalid_argument, {"\"tests\"", "neighbors, ", "test, train"},
               [&] { open_hdf5(path_, "tests"); });
  expect_error(Error::unsupported, {"3 axes"}, [&] { open_hdf5(path_, "cube"); });
  expect_error(Error::unsupported, {"list"}, [&] { open_hdf5(path_, "labels"); });
  expect_error(Error::wrong_type, {"floating-point"}, [&] { read_hdf5_ids(path_, "train"); });
  expect_error(Error::invalid_argument, {"7 rows", "no 2 from row 6"}, [&] { open_hdf5(path_, "train")->read(6, 2); });
  expect_error(Error::out_of_memory, {"1099511627776 x 1048576"}, [&] { read_hdf5_ids(path_, "huge"); });
  expect_error(Error::io_failure, {"none.h5", "No such file"}, [&] { open_hdf5(folder_ / "none.h5", "train"); });
  const auto text = folder_.write("text.h5", "train, test and neighbors");
  expect_error(Error::corrupt_file, {"text.h5", "no intact HDF5"}, [&] { open_hdf5(text, "train"); });
}

TEST_F(Hdf5, RefusesAFileThatWasCut) {
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) / 2);
  expect_error(Error::corrupt_file, {"a.hdf5"}, [&] { values_of("train"); });
}

}  // namespace
}  // namespace knear
