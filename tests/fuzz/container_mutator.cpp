// How the fuzzers change a container: random bytes would all end at the first checksum, so sections are changed one
// at a time and written anew, or any bytes are changed and the checksums made right again.
#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "io/container.h"
#include "io/format.h"
#include "knear/error.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed);

namespace knear {
namespace {

using format::Header;
using format::TableEntry;
using format::Trailer;

struct LooseSection {
  std::string name;
  std::uint32_t version;
  std::vector<Byte> bytes;
};

std::vector<LooseSection> take_apart(std::span<const Byte> file) {
  const auto container = Container::from_bytes(file);
  std::vector<LooseSection> sections;
  for (const Section& section : container.sections())
    sections.push_back({section.name, section.version, {section.bytes.begin(), section.bytes.end()}});
  return sections;
}

void mutate(std::vector<Byte>& bytes, std::size_t max_size) {
  const std::size_t size = bytes.size();
  bytes.resize(std::max(max_size, size));
  bytes.resize(LLVMFuzzerMutate(bytes.data(), size, bytes.size()));
}

// One section gets other bytes, another version or another place, is doubled or dropped.
void mutate_one(std::vector<LooseSection>& sections, std::size_t max_size, std::minstd_rand& random) {
  if (sections.empty()) return sections.push_back({"new", 1, {}});
  const auto one = sections.begin() + static_cast<std::ptrdiff_t>(random() % sections.size());
  switch (random() % 16) {
    case 0:
      one->version = static_cast<std::uint32_t>(random() % 4);
      return;
    case 1:
      std::swap(one->bytes, sections[random() % sections.size()].bytes);
      return;
    case 2:
      sections.push_back({"copy of " + one->name.substr(0, 40), one->version, one->bytes});
      return;
    case 3:
      sections.erase(one);
      return;
    default:
      mutate(one->bytes, one->bytes.size() + max_size / 8 + 16);
  }
}

// Makes the checksums right wherever the parts still are.
void reseal(std::vector<Byte>& file) {
  if (file.size() < format::kSmallestFile) return;
  auto header = format::read_part<Header>(file.data());
  header.checksum = format::checksum_of_part(header);
  std::memcpy(file.data(), &header, sizeof(header));

  const std::size_t end = file.size() - sizeof(Trailer);
  auto trailer = format::read_part<Trailer>(file.data() + end);
  trailer.file_bytes = file.size();
  if (trailer.table_offset >= sizeof(Header) && trailer.table_offset <= end) {
    for (std::size_t at = trailer.table_offset; end - at >= sizeof(TableEntry); at += sizeof(TableEntry)) {
      auto entry = format::read_part<TableEntry>(file.data() + at);
      if (entry.offset > file.size() || entry.length > file.size() - entry.offset) continue;
      entry.checksum = checksum_of(std::span(file).subspan(entry.offset, entry.length));
      std::memcpy(file.data() + at, &entry, sizeof(entry));
    }
    trailer.table_checksum = checksum_of(std::span(file).subspan(trailer.table_offset, end - trailer.table_offset));
  }
  trailer.checksum = format::checksum_of_part(trailer);
  std::memcpy(file.data() + end, &trailer, sizeof(trailer));
}

std::vector<Byte> mutate_sections(std::span<const Byte> file, std::size_t max_size, std::minstd_rand& random) {
  auto sections = take_apart(file);
  mutate_one(sections, max_size, random);
  return write_container_bytes([&](SectionWriter& writer) {
    for (const LooseSection& section : sections) writer.section(section.name, section.version, section.bytes);
  });
}

std::vector<Byte> mutate_anything(std::span<const Byte> file, std::size_t max_size, std::minstd_rand& random) {
  std::vector<Byte> bytes(file.begin(), file.end());
  mutate(bytes, max_size);
  if (random() % 8 != 0) reseal(bytes);
  return bytes;
}

std::vector<Byte> mutated(std::span<const Byte> file, std::size_t max_size, std::minstd_rand& random) {
  if (random() % 4 != 0) try {
      return mutate_sections(file, max_size, random);
    } catch (const Error&) {  // not a good container before, or two sections of one name now
    }
  return mutate_anything(file, max_size, random);
}

}  // namespace
}  // namespace knear

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  std::minstd_rand random(seed);
  const auto result = knear::mutated({data, size}, max_size, random);
  if (result.size() > max_size) return size;
  std::copy(result.begin(), result.end(), data);
  return result.size();
}
