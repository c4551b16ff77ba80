// What the tests of io share: a folder of their own, bytes to store, errors to expect.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "io/container.h"
#include "knear/error.h"

namespace knear::testing {

// A new folder, removed with all that is in it.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "knear-io-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  std::set<std::string> names() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) names.insert(entry.path().filename().string());
    return names;
  }

 private:
  std::filesystem::path path_;
};

// n bytes that look random and depend on the seed.
inline std::vector<Byte> noise(std::size_t n, std::uint64_t seed) {
  std::vector<Byte> bytes(n);
  std::uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
  for (Byte& byte : bytes) {
    state = state * 6364136223846793005 + 1442695040888963407;
    byte = static_cast<Byte>(state >> 56);
  }
  return bytes;
}

inline std::vector<Byte> bytes_of_text(std::string_view text) { return {text.begin(), text.end()}; }

inline std::vector<Byte> copy_of(std::span<const Byte> bytes) { return {bytes.begin(), bytes.end()}; }

inline std::vector<Byte> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(const std::filesystem::path& path, std::span<const Byte> bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// The call throws an Error of this kind whose message has `part` in it.
inline void expect_error(Error::Kind kind, std::string_view part, const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "no error, expected one with \"" << part << "\"";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_NE(std::string_view(error.what()).find(part), std::string_view::npos) << error.what();
  }
}

// A container with a few small sections, one of them empty.
inline void fill_small(SectionWriter& writer) {
  writer.section("spec", 1, bytes_of_text("Flat"));
  writer.section("empty", 3, {});
  writer.section("rows", 2, noise(100, 7));
}

}  // namespace knear::testing
