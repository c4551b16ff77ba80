#include "io/container_writer.h"

#include <algorithm>
#include <array>

#include "core/check.h"
#include "io/atomic_file.h"

namespace knear {

namespace {

// Pieces that stay in the second-level cache between checksum and write.
constexpr std::size_t kPieceBytes = std::size_t{256} << 10;

format::Header make_header() {
  format::Header header = {};
  std::memcpy(header.magic, format::kMagic, sizeof(header.magic));
  std::memcpy(header.version_text, format::kVersionText, sizeof(header.version_text));
  header.version = format::kVersion;
  header.byte_order = format::kByteOrder;
  header.checksum = format::checksum_of_part(header);
  return header;
}

void check_name(std::string_view name) {
  require(!name.empty() && name.size() <= format::kMaxNameBytes, "the name of a section has 1 to ",
          format::kMaxNameBytes, " characters, not ", name.size());
  require(std::all_of(name.begin(), name.end(), format::is_name_character),
          "the name of a section has printable ASCII characters only");
}

class CallbackOutput final : public ByteOutput {
 public:
  using Put = std::function<void(std::span<const Byte>)>;
  explicit CallbackOutput(const Put& put) : put_(put) {}
  void write(std::span<const Byte> bytes) override { put_(bytes); }

 private:
  const Put& put_;
};

void write_container_to(ByteOutput& output, const FillContainer& fill, const FileStamp& stamp) {
  ContainerWriter writer(output, stamp);
  fill(writer);
  writer.finish();
}

}  // namespace

void SectionWriter::section(std::string_view name, std::uint32_t version, std::span<const Byte> bytes) {
  begin(name, version);
  append(bytes);
  end();
}

void PrefixedWriter::begin(std::string_view name, std::uint32_t version) {
  writer_.begin(prefix_ + std::string(name), version);
}
void PrefixedWriter::append(std::span<const Byte> bytes) { writer_.append(bytes); }
void PrefixedWriter::end() { writer_.end(); }

ContainerWriter::ContainerWriter(ByteOutput& output, const FileStamp& stamp) : output_(output), stamp_(stamp) {
  put(format::bytes_of_part(make_header()));
}

void ContainerWriter::begin(std::string_view name, std::uint32_t version) {
  require(!open_, "section '", name, "' begins before the one before it has ended");
  check_name(name);
  require(names_.insert(std::string(name)).second, "two sections have the name '", name, "'");
  format::TableEntry entry = {};
  entry.version = version;
  std::copy(name.begin(), name.end(), entry.name);
  table_.push_back(entry);
  checksum_.reset();
  open_ = true;
  placed_ = false;
}

// Where a section starts depends on its length, so its first bytes wait until it is known to be long or has ended.
void ContainerWriter::append(std::span<const Byte> bytes) {
  require(open_, "bytes outside of a section");
  table_.back().length += bytes.size();
  if (!placed_ && waiting_.size() + bytes.size() >= format::kPagedBytes) place(format::kPageAlignment);
  if (placed_)
    put_checked(bytes);
  else
    waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
}

void ContainerWriter::end() {
  require(open_, "the end of a section that has not begun");
  if (!placed_) place(format::kAlignment);
  table_.back().checksum = checksum_.value();
  open_ = false;
}

void ContainerWriter::place(std::size_t alignment) {
  put_zeros_until(format::align_up(position_, alignment));
  table_.back().offset = position_;
  placed_ = true;
  put_checked(waiting_);
  waiting_.clear();
}

void ContainerWriter::finish() {
  require(!open_, "the last section has not ended");
  put_zeros_until(format::align_up(position_, format::kAlignment));
  const std::span table(reinterpret_cast<const Byte*>(table_.data()), table_.size() * sizeof(format::TableEntry));
  format::Trailer trailer = {};
  trailer.table_offset = position_;
  trailer.section_count = table_.size();
  trailer.table_checksum = checksum_of(table);
  trailer.file_bytes = position_ + table.size() + sizeof(trailer);
  trailer.generation = stamp_.generation;
  trailer.created_us = stamp_.created_us;
  std::memcpy(trailer.magic, format::kEndMagic, sizeof(trailer.magic));
  trailer.checksum = format::checksum_of_part(trailer);
  put(table);
  put(format::bytes_of_part(trailer));
}

void ContainerWriter::put_checked(std::span<const Byte> bytes) {
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), kPieceBytes))) {
    const auto piece = bytes.first(std::min(bytes.size(), kPieceBytes));
    checksum_.update(piece);
    put(piece);
  }
}

void ContainerWriter::put(std::span<const Byte> bytes) {
  output_.write(bytes);
  position_ += bytes.size();
}

void ContainerWriter::put_zeros_until(std::uint64_t offset) {
  static constexpr std::array<Byte, format::kPageAlignment> kZeros = {};
  put(std::span(kZeros).first(static_cast<std::size_t>(offset - position_)));
}

void write_container(const std::filesystem::path& path, const FillContainer& fill, const FileStamp& stamp) {
  AtomicFile file(path);
  write_container_to(file, fill, stamp);
  file.commit();
}

std::vector<Byte> write_container_bytes(const FillContainer& fill, const FileStamp& stamp, std::size_t expected_bytes) {
  std::vector<Byte> all;
  all.reserve(expected_bytes);
  stream_container([&](std::span<const Byte> bytes) { all.insert(all.end(), bytes.begin(), bytes.end()); }, fill,
                   stamp);
  return all;
}

void stream_container(const std::function<void(std::span<const Byte>)>& put, const FillContainer& fill,
                      const FileStamp& stamp) {
  CallbackOutput output(put);
  write_container_to(output, fill, stamp);
}

}  // namespace knear
