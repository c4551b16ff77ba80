// A build without the HDF5 library.
#include "hdf5/hdf5_vectors.h"
#include "interop/temp_folder.h"

namespace knear {
namespace {

TEST(NoHdf5, SaysWhatToInstall) {
  testing::expect_error(Error::unsupported, {"a.hdf5", "libhdf5-dev"}, [] { open_hdf5("a.hdf5", "train"); });
  testing::expect_error(Error::unsupported, {"a.hdf5", "libhdf5-dev"}, [] { read_hdf5_ids("a.hdf5", "neighbors"); });
}

}  // namespace
}  // namespace knear
