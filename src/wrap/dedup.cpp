#include <algorithm>
#include <cstring>

#include "core/check.h"
#include "io/container.h"
#include "knear/codecs.h"
#include "wrap/dedup_state.h"

namespace knear {
namespace {

constexpr std::uint32_t kDedupVersion = 1;  // 1: first; of all three sections
constexpr const char* kFlat = "Flat";

// The numbers of a section that is nothing else.
template <class Number>
std::vector<Number> numbers_in(const Section& section, std::uint64_t count) {
  if (section.bytes.size() % sizeof(Number) != 0 || section.bytes.size() / sizeof(Number) != count) {
    fail(Error::corrupt_file, "section ", section.name, " has ", section.bytes.size(), " bytes, not those of ", count,
         " numbers");
  }
  ByteSource source(section.bytes, "section " + section.name);
  std::vector<Number> numbers(count);
  for (Number& number : numbers) number = static_cast<Number>(source.u64());
  return numbers;
}

// Some of very many at a time.
class NumberWriter {
 public:
  NumberWriter(SectionWriter& writer, const char* name) : writer_(writer) { writer_.begin(name, kDedupVersion); }
  void put(std::uint64_t number) {
    sink_.u64(number);
    if (sink_.bytes().size() >= kPieceBytes) flush();
  }
  void end() {
    flush();
    writer_.end();
  }

 private:
  static constexpr std::size_t kPieceBytes = std::size_t{1} << 16;
  void flush() {
    writer_.append(sink_.bytes());
    sink_ = {};
  }
  SectionWriter& writer_;
  ByteSink sink_;
};

}  // namespace

DedupIndex::State::State(std::shared_ptr<Index> index)
    : base(std::move(index)), cast(make_flat_codec(base->dim(), base->metric(), base->dtype())), finder(*base) {}

DedupIndex::DedupIndex(std::shared_ptr<Index> base)
    : Index(base->dim(), base->metric()), state_(std::make_unique<State>(std::move(base))) {
  const Index& inside = *state_->base;
  require(inside.capabilities().keeps_rows && !dynamic_cast<const DedupIndex*>(&inside),
          "only an index that keeps rows as they are can keep equal ones once, not ", inside.spec());
  require(inside.size() == 0, "the index that shall keep equal rows once holds ", inside.size(), " rows already");
}

DedupIndex::~DedupIndex() = default;

const Index& DedupIndex::base() const noexcept { return *state_->base; }
std::shared_ptr<Index> DedupIndex::share_base() const noexcept { return state_->base; }

DType DedupIndex::dtype() const noexcept { return base().dtype(); }
bool DedupIndex::is_trained() const noexcept { return base().is_trained(); }
std::size_t DedupIndex::code_bytes() const { return base().code_bytes(); }
void DedupIndex::expect_ranks_only() { state_->base->expect_ranks_only(); }

std::size_t DedupIndex::size() const noexcept {
  const Look look(state_->turns);
  return state_->groups.ids();
}

Id DedupIndex::next_id() const {
  const Look look(state_->turns);
  return state_->groups.next_id();
}

// The codes come last in a base's spec, with their options.
std::string DedupIndex::spec() const {
  std::string text = base().spec();
  return text.insert(text.rfind(kFlat) + std::strlen(kFlat), "Dedup");
}

Capabilities DedupIndex::capabilities() const { return base().capabilities(); }

IndexStats DedupIndex::stats() const {
  const Look look(state_->turns);
  IndexStats stats = base().stats();
  stats.ntotal = state_->groups.ids();
  stats.distinct_rows = state_->groups.live();
  stats.memory_bytes += state_->groups.memory_bytes() + state_->finder_bytes;
  return stats;
}

Report DedupIndex::verify() const {
  const std::lock_guard lock(state_->writer);
  Report report = base().verify();
  const RowGroups& groups = state_->groups;
  std::vector<Id> stored = base().ids();
  std::erase_if(
      stored, [&](Id id) { return std::find(state_->swept.begin(), state_->swept.end(), id) != state_->swept.end(); });
  std::sort(stored.begin(), stored.end());
  if (stored != state_->live_numbers()) {
    report.problems.push_back(concat("the base holds ", stored.size(), " rows, ", groups.live(),
                                     " groups have ids, and they are not the same"));
  }
  IdMap seen;
  for (std::uint64_t group = 0; group < groups.numbers(); ++group) {
    for (const Id id : groups.of(group)) {
      if (!seen.insert(id, group) && !groups.repeated()) report.problems.push_back(concat("id ", id, " stands twice"));
    }
  }
  report.ok = report.problems.empty();
  return report;
}

void DedupIndex::write(SectionWriter& writer) const {
  const std::lock_guard lock(state_->writer);
  state_->sweep();
  const RowGroups& groups = state_->groups;
  ByteSink sink;
  sink.u64(groups.ids());
  sink.u64(groups.numbers());
  sink.u64(static_cast<std::uint64_t>(groups.next_id()));
  sink.u32(groups.repeated() ? 1 : 0);
  writer.section("dedup", kDedupVersion, sink.bytes());
  NumberWriter counts(writer, "dedup.counts");
  for (std::uint64_t group = 0; group < groups.numbers(); ++group) counts.put(groups.of(group).size());
  counts.end();
  NumberWriter ids(writer, "dedup.ids");
  for (std::uint64_t group = 0; group < groups.numbers(); ++group) {
    for (const Id id : groups.of(group)) ids.put(static_cast<std::uint64_t>(id));
  }
  ids.end();
  state_->base->write(writer);
}

void DedupIndex::read(const Container& container) {
  state_->base->read(container);
  ByteSource source(container.at("dedup", kDedupVersion).bytes, "section dedup");
  const std::uint64_t ids = source.u64();
  const std::uint64_t numbers = source.u64();
  const Id next_id = static_cast<Id>(source.u64());
  const bool repeated = source.u32() != 0;
  source.done();
  if (next_id < 0) fail(Error::corrupt_file, "section dedup has the next id ", next_id);
  state_->groups.read(numbers_in<std::uint64_t>(container.at("dedup.counts", kDedupVersion), numbers),
                      numbers_in<Id>(container.at("dedup.ids", kDedupVersion), ids), next_id, repeated);
  if (state_->groups.live() != base().size()) {
    fail(Error::corrupt_file, state_->groups.live(), " groups of ids for ", base().size(), " rows");
  }
  if (base().size() > 0) state_->finder.forget();
}

void DedupIndex::train_rows(MatrixView rows, const TrainOptions& options) {
  const std::lock_guard lock(state_->writer);
  state_->base->train(rows, options);
}

bool DedupIndex::has_id(Id id) const {
  const Look look(state_->turns);
  return state_->groups.contains(id);
}

std::vector<Id> DedupIndex::list_ids() const {
  const Look look(state_->turns);
  std::vector<Id> ids;
  ids.reserve(state_->groups.ids());
  for (std::uint64_t group = 0; group < state_->groups.numbers(); ++group) {
    const std::span<const Id> some = state_->groups.of(group);
    ids.insert(ids.end(), some.begin(), some.end());
  }
  return ids;
}

void DedupIndex::get_rows(std::span<const Id> ids, float* rows) const {
  const Look look(state_->turns);
  std::vector<Id> numbers;
  numbers.reserve(ids.size());
  for (const Id id : ids) {
    const std::uint64_t group = state_->groups.group_of(id);
    if (group == RowGroups::kNone) fail(Error::not_found, "id ", id, " is not in the index");
    numbers.push_back(static_cast<Id>(group));
  }
  const Matrix kept = base().get(numbers);
  std::copy_n(kept.floats(), ids.size() * dim(), rows);
}

void DedupIndex::encode_rows(MatrixView rows, Byte* codes, const RunOptions& options) const {
  const std::vector<Byte> all = base().encode(rows, options);
  std::copy(all.begin(), all.end(), codes);
}

void DedupIndex::decode_codes(const Byte* codes, std::size_t n, float* rows, const RunOptions& options) const {
  const Matrix decoded = base().decode({codes, n * code_bytes()}, options);
  std::copy_n(decoded.floats(), n * dim(), rows);
}

}  // namespace knear
