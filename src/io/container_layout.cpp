#include "io/container_layout.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string_view>

#include "core/check.h"
#include "io/foreign.h"

namespace knear {

namespace {

using format::Header;
using format::TableEntry;
using format::Trailer;

template <class... Parts>
[[noreturn]] void damaged(const std::string& what, const Parts&... parts) {
  fail(Error::corrupt_file, what, " is damaged: ", parts...);
}

template <class... Parts>
[[noreturn]] void too_new(const std::string& what, const Parts&... parts) {
  fail(Error::unsupported, what, " needs a newer knear: ", parts...);
}

std::string_view name_of(const TableEntry& entry) noexcept { return entry.name; }

bool has_good_name(const TableEntry& entry) noexcept {
  const char* const end = entry.name + sizeof(entry.name);
  const char* const name_end = std::find_if_not(entry.name, end, format::is_name_character);
  return name_end != entry.name && name_end != end && std::all_of(name_end, end, [](char c) { return c == 0; });
}

Trailer check_trailer(std::span<const Byte> file, const std::string& what) {
  const auto trailer = format::read_part<Trailer>(file.last(sizeof(Trailer)).data());
  if (std::memcmp(trailer.magic, format::kEndMagic, sizeof(trailer.magic)) != 0)
    damaged(what, "no trailer at its end, so it was cut short or something was appended; it has ", file.size(),
            " bytes");
  if (trailer.checksum != format::checksum_of_part(trailer)) damaged(what, "the checksum of its trailer is wrong");
  if (trailer.file_bytes != file.size())
    damaged(what, "it has ", file.size(), " bytes and should have ", trailer.file_bytes);
  return trailer;
}

std::vector<TableEntry> check_table(std::span<const Byte> file, const Trailer& trailer, const std::string& what) {
  const std::uint64_t table_end = file.size() - sizeof(Trailer);
  const std::uint64_t offset = trailer.table_offset;
  if (offset < sizeof(Header) || offset > table_end || offset % format::kAlignment != 0 ||
      (table_end - offset) % sizeof(TableEntry) != 0 ||
      (table_end - offset) / sizeof(TableEntry) != trailer.section_count)
    damaged(what, "a table of ", trailer.section_count, " sections at ", offset, " does not fit its ", file.size(),
            " bytes");
  const auto bytes = file.subspan(offset, table_end - offset);
  if (trailer.table_checksum != checksum_of(bytes)) damaged(what, "the checksum of its section table is wrong");
  std::vector<TableEntry> table(trailer.section_count);
  if (!table.empty()) std::memcpy(table.data(), bytes.data(), bytes.size());
  return table;
}

// `start` is the end of the part before the section, `table_offset` the most that its own end may be.
void check_entry(const TableEntry& entry, std::uint64_t start, std::uint64_t table_offset, const std::string& what) {
  if (!has_good_name(entry)) damaged(what, "a section at ", entry.offset, " has no proper name");
  if (entry.flags != 0) too_new(what, "section '", name_of(entry), "' has the flags ", entry.flags);
  if (entry.offset < start || entry.offset > table_offset || entry.length > table_offset - entry.offset ||
      entry.offset - start > format::kMaxGap || entry.offset % format::kAlignment != 0)
    damaged(what, "section '", name_of(entry), "' at ", entry.offset, " with ", entry.length, " bytes does not fit ",
            "between ", start, " and ", table_offset);
}

std::vector<std::size_t> order_by_name(const std::vector<TableEntry>& table, const std::string& what) {
  std::vector<std::size_t> order(table.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto name = [&](std::size_t i) { return name_of(table[i]); };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return name(a) < name(b); });
  const auto twin =
      std::adjacent_find(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return name(a) == name(b); });
  if (twin != order.end()) damaged(what, "it has two sections '", name(*twin), "'");
  return order;
}

}  // namespace

Header check_header(std::span<const Byte> start, std::uint64_t file_bytes, const std::string& what) {
  if (file_bytes == 0) fail(Error::corrupt_file, what, " is empty (0 bytes)");
  const std::string foreign = describe_foreign(start);
  const bool has_magic =
      start.size() >= sizeof(Header::magic) && std::memcmp(start.data(), format::kMagic, sizeof(Header::magic)) == 0;
  if (!has_magic && !foreign.empty()) fail(Error::corrupt_file, what, " is not a knear index file: ", foreign);
  if (!has_magic) fail(Error::corrupt_file, what, " is not a knear index file");
  if (file_bytes < format::kSmallestFile || start.size() < sizeof(Header))
    damaged(what, "it was cut short: it has ", file_bytes, " bytes, the smallest file has ", format::kSmallestFile);

  const auto header = format::read_part<Header>(start.data());
  if (header.byte_order == format::kSwappedByteOrder)
    fail(Error::unsupported, what, " was written with the other byte order (big-endian)");
  if (header.checksum != format::checksum_of_part(header)) damaged(what, "the checksum of its header is wrong");
  if (header.version != format::kVersion)
    too_new(what, "its format version is ", header.version, ", this one knows ", format::kVersion);
  if (header.byte_order != format::kByteOrder || header.features != 0 || header.reserved != 0)
    too_new(what, "it uses the features ", header.features);
  return header;
}

ContainerLayout check_layout(std::span<const Byte> file, const std::string& what) {
  ContainerLayout layout;
  layout.header = check_header(file, file.size(), what);
  layout.trailer = check_trailer(file, what);
  layout.table = check_table(file, layout.trailer, what);
  for (std::size_t i = 0; i < layout.table.size(); ++i)
    check_entry(layout.table[i], end_before(layout, i), layout.trailer.table_offset, what);
  layout.by_name = order_by_name(layout.table, what);

  const std::uint64_t last_end = end_before(layout, layout.table.size());
  const std::uint64_t gap = layout.trailer.table_offset - last_end;
  if (gap > format::kMaxGap || !format::all_zero(file.subspan(last_end, gap)))
    damaged(what, "the ", gap, " bytes before its section table are not its own");
  return layout;
}

std::uint64_t end_before(const ContainerLayout& layout, std::size_t i) noexcept {
  return i == 0 ? sizeof(Header) : layout.table[i - 1].offset + layout.table[i - 1].length;
}

}  // namespace knear
