// Vectors and ids in HDF5 files, as ann-benchmarks lays them out: datasets train, test, neighbors, distances.
//
// A build without the HDF5 library throws Error::unsupported from both calls and says what to install.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "knear/dataset.h"

namespace knear {

// Rows of a two-dimensional dataset of numbers, read by block; "" means train. int8 and uint8 stay what they are,
// other numbers become the nearest float32. Files and datasets larger than memory are fine as long as blocks are not.
// Throws Error::io_failure, Error::corrupt_file, Error::unsupported for other shapes and types, and
// Error::invalid_argument that lists what the file holds when the dataset is not there. One thread at a time may use
// all of the readers: the HDF5 library has no locks.
std::unique_ptr<VectorFile> open_hdf5(const std::filesystem::path& path, const std::string& dataset = "train");

// All of a dataset of whole numbers with one or two axes; "" means neighbors.
IdMatrix read_hdf5_ids(const std::filesystem::path& path, const std::string& dataset = "neighbors");

}  // namespace knear
