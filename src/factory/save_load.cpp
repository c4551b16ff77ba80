// Whole indexes to and from the container: section "index" says what it is, the shape's own sections follow.
#include <algorithm>

#include "core/check.h"
#include "core/parallel_for.h"
#include "io/container.h"
#include "knear/io.h"
#include "knear/spec.h"

namespace knear {
namespace {

constexpr std::uint32_t kIndexVersion = 1;                     // 1: first
constexpr std::uint32_t kMetadataVersion = 1;                  // 1: first
constexpr std::size_t kSmallSections = std::size_t{16} << 10;  // all that is in a file beside codes and ids

// What section "index" holds.
struct Header {
  std::string spec;
  std::size_t dim = 0;
  Metric metric;
  std::size_t ntotal = 0;
};

void write_header(SectionWriter& writer, const Index& index) {
  ByteSink sink;
  sink.text(index.spec());
  sink.u64(index.dim());
  sink.u32(static_cast<std::uint32_t>(index.metric().kind));
  sink.f32(index.metric().argument);
  writer.section("index", kIndexVersion, sink.bytes());
}

void write_metadata(SectionWriter& writer, const Index& index) {
  const auto metadata = index.metadata();
  if (metadata.empty()) return;
  ByteSink sink;
  sink.u64(metadata.size());
  for (const auto& [key, value] : metadata) {
    sink.text(key);
    sink.text(value);
  }
  writer.section("metadata", kMetadataVersion, sink.bytes());
}

// Hands sections on, and what is done to a meter.
class MeteredWriter final : public SectionWriter {
 public:
  MeteredWriter(SectionWriter& writer, ProgressMeter& meter) : writer_(writer), meter_(meter) {}
  void begin(std::string_view name, std::uint32_t version) override { writer_.begin(name, version); }
  void append(std::span<const Byte> bytes) override {
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), kPieceBytes))) {
      const auto piece = bytes.first(std::min(bytes.size(), kPieceBytes));
      writer_.append(piece);
      meter_.advance(piece.size());
    }
  }
  void end() override { writer_.end(); }

 private:
  static constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
  SectionWriter& writer_;
  ProgressMeter& meter_;
};

// What the file will have, but for its few small sections.
std::size_t bytes_to_write(const Index& index) {
  const IndexStats stats = index.stats();
  const std::size_t rows = stats.distinct_rows ? stats.distinct_rows : stats.ntotal;
  return rows * (stats.code_bytes + sizeof(Id)) + (stats.distinct_rows ? (rows + stats.ntotal) * sizeof(Id) : 0);
}

FillContainer filler(const Index& index, const RunOptions& options) {
  return [&index, &options](SectionWriter& plain) {
    ProgressMeter meter(options, "save", bytes_to_write(index));
    MeteredWriter writer(plain, meter);
    write_header(writer, index);
    write_metadata(writer, index);
    index.write(writer);
    meter.finish();
  };
}

FillContainer merging_filler(const Index& first, Index::Others others, const MergeOptions& options) {
  return [&first, others, &options](SectionWriter& plain) {
    std::size_t bytes = bytes_to_write(first);
    for (const Index* other : others) bytes += bytes_to_write(*other);
    ProgressMeter meter(options.run, "merge", bytes);
    MeteredWriter writer(plain, meter);
    write_header(writer, first);
    write_metadata(writer, first);
    first.write_merged(writer, others, options);
    meter.finish();
    if (options.on_commit) options.on_commit();
  };
}

void require_together(const Index& first, const Index& other, const std::filesystem::path& path) {
  require(other.dim() == first.dim(), path.string(), " has ", other.dim(), " dimensions, the first file ", first.dim());
  require(other.metric() == first.metric(), path.string(), " has the metric ", text_of(other.metric()),
          ", the first part ", text_of(first.metric()));
}

Metric checked_metric(std::uint32_t kind, float argument) try {
  const Metric metric{static_cast<Metric::Kind>(kind), argument};
  require_valid(metric);
  return metric;
} catch (const Error& error) {
  fail(Error::corrupt_file, "section index: ", error.what());
}

// Of indexes in layers, the finest holds the rows.
std::size_t rows_in(const Container& container) {
  constexpr std::size_t kMostLayers = 8;
  Container layer = container;
  for (std::size_t i = 0; i < kMostLayers; ++i, layer = layer.part("refine.")) {
    if (const Section* dedup = layer.find("dedup")) return ByteSource(dedup->bytes, "section dedup").u64();
    if (const Section* rows = layer.find("rows")) return ByteSource(rows->bytes, "section rows").u64();
  }
  return 0;
}

Header read_header(const Container& container) {
  ByteSource source(container.at("index", kIndexVersion).bytes, "section index");
  Header header;
  header.spec = source.text();
  header.dim = source.u64();
  const std::uint32_t kind = source.u32();
  header.metric = checked_metric(kind, source.f32());
  source.done();
  if (header.dim < 1 || header.dim > kMaxDim) {
    fail(Error::corrupt_file, "section index names ", header.dim, " dimensions, not 1 to ", kMaxDim);
  }
  header.ntotal = rows_in(container);
  return header;
}

std::map<std::string, std::string> read_metadata(const Container& container) {
  std::map<std::string, std::string> metadata;
  if (!container.find("metadata")) return metadata;
  ByteSource source(container.at("metadata", kMetadataVersion).bytes, "section metadata");
  for (std::uint64_t left = source.u64(); left > 0; --left) {
    std::string key = source.text();
    metadata[std::move(key)] = source.text();
  }
  source.done();
  return metadata;
}

std::unique_ptr<Index> index_of_file(const Header& header) try {
  return index_factory(header.dim, header.spec, header.metric);
} catch (const Error& error) {
  if (error.kind() != Error::invalid_argument && error.kind() != Error::wrong_type) throw;
  fail(Error::corrupt_file, "section index: ", error.what());
}

std::unique_ptr<Index> read_index(const Container& container) {
  const Header header = read_header(container);
  auto index = index_of_file(header);
  index->read(container);
  index->set_metadata(read_metadata(container));
  return index;
}

void reject_damaged(const Container& container, const RunOptions& options) {
  const auto damaged = container.verify(options);
  if (!damaged.empty()) fail(Error::corrupt_file, "the checksum of section ", damaged.front(), " is wrong");
}

}  // namespace

void save(const Index& index, const std::filesystem::path& path, const RunOptions& options) {
  write_container(path, filler(index, options));
}

void save(const Index& index, const std::function<void(std::span<const Byte>)>& put, const RunOptions& options) {
  stream_container(put, filler(index, options));
}

void merge_files(std::span<const std::filesystem::path> from, const std::filesystem::path& to,
                 const MergeOptions& options) {
  require(!from.empty(), "there are no files to merge");
  merge_files(*load(from.front(), {.run = options.run}), from.subspan(1), to, options);
}

void merge_files(const Index& first, std::span<const std::filesystem::path> others, const std::filesystem::path& to,
                 const MergeOptions& options) {
  std::vector<std::unique_ptr<Index>> parts;
  std::vector<const Index*> borrowed;
  for (const std::filesystem::path& path : others) {
    parts.push_back(load(path, {.run = options.run}));
    borrowed.push_back(parts.back().get());
    require_together(first, *borrowed.back(), path);
  }
  write_container(to, merging_filler(first, borrowed, options));
}

std::unique_ptr<Index> load(const std::filesystem::path& path, const LoadOptions& options) {
  const Container container = Container::open(path, options.mmap, options.run);
  if (options.verify && options.mmap) reject_damaged(container, options.run);
  return read_index(container);
}

std::vector<Byte> to_bytes(const Index& index, const RunOptions& options) {
  return write_container_bytes(filler(index, options), {}, bytes_to_write(index) + kSmallSections);
}

std::unique_ptr<Index> from_bytes(std::span<const Byte> bytes) { return read_index(Container::from_bytes(bytes)); }

FileInfo inspect(const std::filesystem::path& path) {
  const Container container = Container::open(path, true);
  const Header header = read_header(container);
  FileInfo info;
  info.format_version = container.format_version();
  info.file_bytes = container.file_bytes();
  info.spec = header.spec;
  info.metric = name_of(header.metric);
  info.dim = header.dim;
  info.ntotal = header.ntotal;
  info.metadata = read_metadata(container);
  for (const Section& section : container.sections()) {
    info.sections.push_back({section.name, section.version, section.offset, section.bytes.size(), true});
  }
  return info;
}

Report verify_file(const std::filesystem::path& path, const RunOptions& options) {
  Report report;
  try {
    const Container container = Container::open(path, true);
    for (const std::string& name : container.verify(options)) {
      report.problems.push_back("the checksum of section " + name + " is wrong");
    }
    const Report inside = read_index(container)->verify();
    report.problems.insert(report.problems.end(), inside.problems.begin(), inside.problems.end());
  } catch (const Error& error) {
    if (error.kind() != Error::corrupt_file) throw;
    report.problems.push_back(error.what());
  }
  report.ok = report.problems.empty();
  return report;
}

}  // namespace knear
