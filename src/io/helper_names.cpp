#include "io/helper_names.h"

#include <cstdint>
#include <random>
#include <string>

#include "core/check.h"
#include "io/checksum.h"

namespace knear {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::size_t kRandomDigits = 16;
constexpr std::string_view kLockSuffix = ".knear-lock";
constexpr std::string_view kTempSuffix = ".knear-tmp";

std::string hex_of(std::uint64_t number) {
  std::string digits(16, '0');
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, number >>= 4) *digit = kHexDigits[number & 15];
  return digits;
}

// ".name", short enough that a suffix fits into the 255 bytes that file systems allow.
std::string stem_of(const std::filesystem::path& target) {
  const std::string name = target.filename().string();
  if (name.size() <= 200) return concat(".", name);
  const std::uint64_t hash = checksum_of({reinterpret_cast<const Byte*>(name.data()), name.size()});
  return concat(".", name.substr(0, 180), "~", hex_of(hash));
}

}  // namespace

std::filesystem::path lock_path_of(const std::filesystem::path& target) {
  return target.parent_path() / concat(stem_of(target), kLockSuffix);
}

std::filesystem::path make_temp_path(const std::filesystem::path& target) {
  std::random_device random;  // the system's generator: nobody can guess the name and put a file there first
  const std::uint64_t number = std::uint64_t{random()} << 32 | random();
  return target.parent_path() / concat(stem_of(target), ".", hex_of(number), kTempSuffix);
}

bool is_temp_name_of(const std::filesystem::path& target, std::string_view filename) {
  const std::string start = concat(stem_of(target), ".");
  if (filename.size() != start.size() + kRandomDigits + kTempSuffix.size()) return false;
  if (!filename.starts_with(start) || !filename.ends_with(kTempSuffix)) return false;
  const std::string_view digits = filename.substr(start.size(), kRandomDigits);
  return digits.find_first_not_of(kHexDigits) == std::string_view::npos;
}

}  // namespace knear
