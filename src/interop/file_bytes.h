// The bytes of a dataset file, with the file's name for messages. Nothing is read past their end.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>

#include "core/check.h"
#include "io/file.h"
#include "io/mapped_file.h"
#include "knear/matrix.h"

namespace knear {

// All dataset formats but IDX are little-endian, and rows are used as they lie in the file.
static_assert(std::endian::native == std::endian::little, "dataset files need a little-endian machine");

struct FileBytes {
  std::span<const Byte> bytes;
  std::filesystem::path path;
  std::shared_ptr<const MappedFile> mapping = {};  // that the bytes are, and are kept alive by

  std::uint64_t size() const noexcept { return bytes.size(); }

  // The value at a byte offset; Error::corrupt_file when the file ends before.
  template <class Value>
  Value at(std::uint64_t offset) const {
    if (offset > size() || size() - offset < sizeof(Value))
      corrupt("the file ends after ", size(), " bytes, inside of its header");
    Value value;
    std::memcpy(&value, bytes.data() + offset, sizeof(Value));
    return value;
  }

  template <class... Parts>
  [[noreturn]] void corrupt(const Parts&... parts) const {
    fail(Error::corrupt_file, quoted(path), ": ", parts...);
  }
  template <class... Parts>
  [[noreturn]] void unsupported(const Parts&... parts) const {
    fail(Error::unsupported, quoted(path), ": ", parts...);
  }
};

// The file, mapped into memory read-only. Error::io_failure.
FileBytes map_file(const std::filesystem::path& path);

}  // namespace knear
