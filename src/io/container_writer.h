// Writes a container in one pass, without going back.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "io/byte_output.h"
#include "io/checksum.h"
#include "io/container.h"
#include "io/format.h"

namespace knear {

// The header goes out at construction, the table and the trailer in finish().
class ContainerWriter final : public SectionWriter {
 public:
  ContainerWriter(ByteOutput& output, const FileStamp& stamp);

  void begin(std::string_view name, std::uint32_t version) override;
  void append(std::span<const Byte> bytes) override;
  void end() override;
  void finish();

 private:
  void place(std::size_t alignment);
  void put_checked(std::span<const Byte> bytes);
  void put(std::span<const Byte> bytes);
  void put_zeros_until(std::uint64_t offset);

  ByteOutput& output_;
  FileStamp stamp_;
  std::uint64_t position_ = 0;
  std::vector<format::TableEntry> table_;
  std::unordered_set<std::string> names_;
  Checksum checksum_;  // of the open section

  bool open_ = false;          // between begin() and end(); the section is table_.back()
  bool placed_ = false;        // its offset is known
  std::vector<Byte> waiting_;  // its first bytes until then
};

}  // namespace knear
