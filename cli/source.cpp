#include "source.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "gzip_file.h"
#include "hdf5/hdf5_vectors.h"
#include "number_lines.h"

namespace knear::cli {
namespace {

bool is_hdf5(const std::filesystem::path& path) { return path.extension() == ".hdf5" || path.extension() == ".h5"; }

}  // namespace

Source source_of(const std::string& argument, const std::string& default_dataset) {
  const std::size_t colon = argument.rfind(':');
  if (colon != std::string::npos && is_hdf5(argument.substr(0, colon))) {
    return {argument.substr(0, colon), argument.substr(colon + 1)};
  }
  return {argument, is_hdf5(argument) ? default_dataset : ""};
}

std::unique_ptr<VectorFile> open_source(const std::string& argument, const std::string& default_dataset) {
  if (argument == "-") return read_number_lines(std::cin);
  const Source source = source_of(argument, default_dataset);
  if (is_hdf5(source.path)) return open_hdf5(source.path, source.dataset);
  if (source.path.extension() == ".gz") return open_gzip(source.path);
  return open_vectors(source.path, source.dataset);
}

IdMatrix read_id_source(const std::string& argument, const std::string& default_dataset) {
  const Source source = source_of(argument, default_dataset);
  return is_hdf5(source.path) ? read_hdf5_ids(source.path, source.dataset) : read_ids(source.path, source.dataset);
}

}  // namespace knear::cli
