#include "hdf5/hdf5_vectors.h"

#include "knear/error.h"

namespace knear {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path) {
  throw Error(Error::unsupported, "cannot read '" + path.string() +
                                      "': knear was built without HDF5; install libhdf5-dev and build it again");
}

}  // namespace

std::unique_ptr<VectorFile> open_hdf5(const std::filesystem::path& path, const std::string&) { refuse(path); }

IdMatrix read_hdf5_ids(const std::filesystem::path& path, const std::string&) { refuse(path); }

}  // namespace knear
