#include "interop/formats.h"

#include <algorithm>
#include <cctype>

namespace knear {
namespace {

constexpr DatasetFormat kFormats[] = {
    {".fvecs", Element::f32, true, xvecs_layout, xvecs_header},
    {".ivecs", Element::i32, true, xvecs_layout, xvecs_header},
    {".bvecs", Element::u8, true, xvecs_layout, xvecs_header},
    {".fbin", Element::f32, false, bin_layout, bin_header},
    {".u8bin", Element::u8, false, bin_layout, bin_header},
    {".i8bin", Element::i8, false, bin_layout, bin_header},
    {".ibin", Element::i32, false, bin_layout, bin_header},
    {".npy", std::nullopt, false, npy_layout, npy_header},
    {"-ubyte", std::nullopt, false, idx_layout, nullptr},
    {".idx", std::nullopt, false, idx_layout, nullptr},
};

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Why a file whose name says something else cannot be read here.
std::string advice_for(std::string_view name) {
  if (name.ends_with(".gz")) return "is compressed: unpack it first (gunzip)";
  if (name.ends_with(".hdf5") || name.ends_with(".h5"))
    return "is HDF5, which the library does not read: `knear convert` makes a .npy or .fvecs file of it";
  if (name.ends_with(".npz")) return "holds several arrays: save the one you want as .npy";
  std::string known;
  for (const DatasetFormat& format : kFormats) known.append(known.empty() ? "" : " ").append(format.suffix);
  return "has a name that ends in none of " + known;
}

}  // namespace

const DatasetFormat& format_of(const std::filesystem::path& path) {
  const std::string name = lower_case(path.filename().string());
  for (const DatasetFormat& format : kFormats)
    if (name.ends_with(format.suffix)) return format;
  fail(Error::unsupported, quoted(path), ' ', advice_for(name));
}

}  // namespace knear
