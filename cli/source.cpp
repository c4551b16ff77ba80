#include "source.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <stop_token>
#include <string_view>

#include "failure.h"
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

std::unique_ptr<VectorFile> open_source(const std::string& argument, const std::string& default_dataset,
                                        const Session& session) {
  if (argument == "-") {
    // A read that waits for somebody to type cannot be woken; nothing has begun that would need to be undone.
    const std::stop_callback leave(session.stop_token(), [] { std::_Exit(static_cast<int>(Exit::stopped)); });
    return read_number_lines(std::cin);
  }
  const Source source = source_of(argument, default_dataset);
  if (is_hdf5(source.path)) return open_hdf5(source.path, source.dataset);
  if (source.path.extension() == ".gz") return open_gzip(source.path, session);
  return open_vectors(source.path, source.dataset);
}

IdMatrix read_id_source(const std::string& argument, const std::string& default_dataset) {
  const Source source = source_of(argument, default_dataset);
  return is_hdf5(source.path) ? read_hdf5_ids(source.path, source.dataset) : read_ids(source.path, source.dataset);
}

bool is_vector_file(const std::string& argument) {
  constexpr std::array kEndings = {".fvecs", ".ivecs", ".bvecs", ".npy", ".fbin", ".u8bin", ".i8bin",
                                   ".ibin",  ".idx",   "-ubyte", ".gz",  ".hdf5", ".h5"};
  std::string name = source_of(argument, "").path.string();
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::any_of(kEndings, [&](const char* ending) { return name.ends_with(ending); });
}

}  // namespace knear::cli
