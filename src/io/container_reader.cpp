#include <algorithm>
#include <array>
#include <cstring>

#include "core/check.h"
#include "core/parallel_for.h"
#include "io/aligned_bytes.h"
#include "io/checksum.h"
#include "io/container.h"
#include "io/container_layout.h"
#include "io/file.h"
#include "io/foreign.h"
#include "io/mapped_file.h"

namespace knear {

namespace {

// Sections up to this length are checked at once also where the file is mapped.
constexpr std::uint64_t kCheckedAtOnce = std::uint64_t{1} << 20;
constexpr std::size_t kPieceBytes = std::size_t{4} << 20;  // read or checked between two looks at the stop token

// Reads a whole file. What is no index file is noticed before memory for all of it is taken.
std::pair<std::shared_ptr<const Byte>, std::size_t> read_whole(const File& file, const std::string& what,
                                                               const RunOptions& options) {
  const std::uint64_t count = file.file_bytes();
  std::array<Byte, kForeignBytes> start_bytes = {};
  const auto start = std::span(start_bytes).first(std::min<std::uint64_t>(count, kForeignBytes));
  file.read_at(0, start);
  check_header(start, count, what);
  auto bytes = make_aligned_bytes(count);
  ProgressMeter meter(options, "read", count);
  for (std::uint64_t at = 0; at < count; at += kPieceBytes) {
    const std::size_t piece = std::min<std::uint64_t>(kPieceBytes, count - at);
    file.read_at(at, {bytes.get() + at, piece});
    meter.advance(piece);
  }
  meter.finish();
  return {std::move(bytes), count};
}

}  // namespace

struct Container::State {
  std::string what;  // for messages
  std::shared_ptr<const void> owner;
  std::span<const Byte> bytes;
  bool mapped = false;
  ContainerLayout layout;
  std::vector<Section> sections;  // in the order of the table

  void find_sections() {
    layout = check_layout(bytes, what);
    sections.reserve(layout.table.size());
    for (const format::TableEntry& entry : layout.table)
      sections.push_back({entry.name, entry.version, entry.offset, bytes.subspan(entry.offset, entry.length)});
  }

  void check_sections(const RunOptions& options) const {
    ProgressMeter meter(options, "verify", mapped ? 0 : bytes.size());
    for (std::size_t i = 0; i < sections.size(); ++i)
      if ((!mapped || sections[i].bytes.size() <= kCheckedAtOnce) && !is_intact(i, meter))
        fail(Error::corrupt_file, what, " is damaged: the checksum of section '", sections[i].name, "' is wrong");
  }

  // The section, and the zero bytes before it.
  bool is_intact(std::size_t i, ProgressMeter& meter) const {
    const std::uint64_t gap_start = end_before(layout, i);
    const auto gap = bytes.subspan(gap_start, sections[i].offset - gap_start);
    Checksum checksum;
    for (auto left = sections[i].bytes; !left.empty(); left = left.subspan(std::min(left.size(), kPieceBytes))) {
      const auto piece = left.first(std::min(left.size(), kPieceBytes));
      checksum.update(piece);
      meter.advance(piece.size());
    }
    return format::all_zero(gap) && checksum.value() == layout.table[i].checksum;
  }
};

Container Container::open(const std::filesystem::path& path, bool mmap, const RunOptions& options) {
  require(!path.empty(), "the path of the file to read is empty");
  auto state = std::make_shared<State>();
  state->what = quoted(path);
  const File file = File::open_to_read(path);
  state->mapped = mmap && file.file_bytes() > 0;
  if (state->mapped) {
    const auto mapping = std::make_shared<const MappedFile>(file);
    state->bytes = mapping->bytes();
    state->owner = mapping;
  } else {
    const auto [bytes, count] = read_whole(file, state->what, options);
    state->bytes = {bytes.get(), count};
    state->owner = bytes;
  }
  return Container(std::move(state), options);
}

Container Container::from_bytes(std::span<const Byte> bytes) {
  auto state = std::make_shared<State>();
  state->what = concat("the index of ", bytes.size(), " bytes");
  check_header(bytes, bytes.size(), state->what);
  const auto copy = make_aligned_bytes(bytes.size());
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  state->bytes = {copy.get(), bytes.size()};
  state->owner = copy;
  return Container(std::move(state), {});
}

Container::Container(std::shared_ptr<State> state, const RunOptions& options) {
  state->find_sections();
  state->check_sections(options);
  state_ = std::move(state);
}

std::uint32_t Container::format_version() const noexcept { return state_->layout.header.version; }

std::uint64_t Container::file_bytes() const noexcept { return state_->bytes.size(); }

FileStamp Container::stamp() const noexcept {
  return {state_->layout.trailer.generation, state_->layout.trailer.created_us};
}

bool Container::mapped() const noexcept { return state_->mapped; }

const std::vector<Section>& Container::sections() const noexcept { return state_->sections; }

Container Container::part(std::string_view prefix) const {
  Container part = *this;
  part.prefix_ += prefix;
  return part;
}

const Section* Container::find(std::string_view unprefixed) const {
  const std::string name = prefix_ + std::string(unprefixed);
  const auto& order = state_->layout.by_name;
  const auto place = std::lower_bound(order.begin(), order.end(), name, [&](std::size_t i, const std::string& wanted) {
    return state_->sections[i].name < wanted;
  });
  return place != order.end() && state_->sections[*place].name == name ? &state_->sections[*place] : nullptr;
}

const Section& Container::at(std::string_view name, std::uint32_t newest_known) const {
  const Section* section = find(name);
  if (section == nullptr) fail(Error::corrupt_file, state_->what, " has no section '", prefix_, name, "'");
  if (section->version > newest_known)
    fail(Error::unsupported, state_->what, " needs a newer knear: section '", section->name, "' has version ",
         section->version, ", this one knows ", newest_known);
  return *section;
}

std::vector<std::string> Container::verify(const RunOptions& options) const {
  std::vector<std::string> damaged;
  ProgressMeter meter(options, "verify", state_->bytes.size());
  for (std::size_t i = 0; i < state_->sections.size(); ++i)
    if (!state_->is_intact(i, meter)) damaged.push_back(state_->sections[i].name);
  meter.finish();
  return damaged;
}

std::shared_ptr<const void> Container::owner() const noexcept { return state_->owner; }

}  // namespace knear
