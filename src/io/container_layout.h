// Checks the fixed parts of a container before anything in it is believed (docs/format.md, "What a reader checks").
#pragma once

#include <span>
#include <string>
#include <vector>

#include "io/container.h"
#include "io/format.h"

namespace knear {

// What a container says of its sections, checked: everything lies where it may.
struct ContainerLayout {
  format::Header header;
  format::Trailer trailer;
  std::vector<format::TableEntry> table;
  std::vector<std::size_t> by_name;  // positions in `table`, in the order of their names
};

// The first bytes of a file of `file_bytes` bytes: is it one of ours? `what` names it in messages. Error::corrupt_file,
// Error::unsupported.
format::Header check_header(std::span<const Byte> start, std::uint64_t file_bytes, const std::string& what);

// All of a file; touches the header, the table and the trailer only.
ContainerLayout check_layout(std::span<const Byte> file, const std::string& what);

// Where the part before the i-th section, or before the table for i = table.size(), ends.
std::uint64_t end_before(const ContainerLayout& layout, std::size_t i) noexcept;

}  // namespace knear
