// The fixed parts of a container, byte for byte as docs/format.md has them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "io/checksum.h"
#include "knear/matrix.h"

namespace knear::format {

static_assert(std::endian::native == std::endian::little, "files are little-endian and are used as they lie");

// History: 1 = the first version.
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint32_t kByteOrder = 0x01020304;
inline constexpr std::uint32_t kSwappedByteOrder = 0x04030201;
inline constexpr char kMagic[17] = "\x89knear index\r\n\x1a\n";
inline constexpr char kVersionText[16] = "format 1\n";
inline constexpr char kEndMagic[9] = "knearend";

inline constexpr std::size_t kAlignment = 64;
inline constexpr std::size_t kPageAlignment = 4096;
inline constexpr std::size_t kPagedBytes = 65536;  // sections from this length on start at a page
inline constexpr std::size_t kMaxGap = 2 << 20;    // a reader accepts as many zero bytes between two parts
inline constexpr std::size_t kMaxNameBytes = 63;

struct Header {
  char magic[16];
  char version_text[16];
  std::uint32_t version;
  std::uint32_t byte_order;
  std::uint64_t features;
  std::uint64_t reserved;
  std::uint64_t checksum;
};

struct TableEntry {
  std::uint64_t offset;
  std::uint64_t length;
  std::uint64_t checksum;
  std::uint32_t version;
  std::uint32_t flags;
  char name[kMaxNameBytes + 1];
};

struct Trailer {
  std::uint64_t table_offset;
  std::uint64_t section_count;
  std::uint64_t table_checksum;
  std::uint64_t file_bytes;
  std::uint64_t generation;
  std::uint64_t created_us;
  char magic[8];
  std::uint64_t checksum;
};

static_assert(sizeof(Header) == 64 && sizeof(TableEntry) == 96 && sizeof(Trailer) == 64);
inline constexpr std::size_t kSmallestFile = sizeof(Header) + sizeof(Trailer);

// The part at `bytes`, which need not be aligned.
template <class Part>
Part read_part(const Byte* bytes) noexcept {
  static_assert(std::is_trivially_copyable_v<Part>);
  Part part;
  std::memcpy(&part, bytes, sizeof(Part));
  return part;
}

template <class Part>
std::span<const Byte> bytes_of_part(const Part& part) noexcept {
  return {reinterpret_cast<const Byte*>(&part), sizeof(Part)};
}

// What the checksum of a header or trailer has to be: that of all bytes before it.
template <class Part>
std::uint64_t checksum_of_part(const Part& part) noexcept {
  static_assert(offsetof(Part, checksum) == sizeof(Part) - sizeof(std::uint64_t));
  return checksum_of(bytes_of_part(part).first(offsetof(Part, checksum)));
}

constexpr bool is_name_character(char c) noexcept { return c >= 0x20 && c <= 0x7e; }

inline bool all_zero(std::span<const Byte> bytes) noexcept {
  return std::all_of(bytes.begin(), bytes.end(), [](Byte byte) { return byte == 0; });
}

// `offset` moved up to a multiple of `alignment`, a power of two.
constexpr std::uint64_t align_up(std::uint64_t offset, std::uint64_t alignment) noexcept {
  return (offset + alignment - 1) & ~(alignment - 1);
}

}  // namespace knear::format
