#include <algorithm>
#include <chrono>
#include <utility>

#include "core/call_limits.h"
#include "core/check.h"
#include "core/same_shape.h"
#include "io/container.h"
#include "knear/wrap.h"
#include "metric/finite_rows.h"
#include "transform/chain.h"

namespace knear {
namespace {

constexpr std::uint32_t kTransformVersion = 1;  // 1: first

using Clock = std::chrono::steady_clock;

std::string section_of(std::size_t i) { return concat("transform.", i); }

// With the options for what is left to do.
std::pair<Matrix, AddOptions> images_to_store(const TransformChain& chain, MatrixView rows, const AddOptions& options) {
  const auto start = Clock::now();
  if (options.nan_policy == NanPolicy::reject) reject_bad_rows(rows, options.run);
  Matrix images = images_of(chain, rows, options.run);
  AddOptions rest = options;
  rest.run = remaining(options.run, start);
  return {std::move(images), std::move(rest)};
}

std::size_t dim_before(const TransformChain& transforms) {
  require(!transforms.empty(), "a PreTransformIndex without transforms");
  return transforms.front()->dim_in();
}

void require_same(const TransformChain& ours, const TransformChain& theirs) {
  require(ours.size() == theirs.size(), "the other index has ", theirs.size(), " transforms, this one has ",
          ours.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    require(ours[i]->spec() == theirs[i]->spec(), "the other index has the transform ", theirs[i]->spec(),
            " where this one has ", ours[i]->spec());
    require(learned_bytes(*ours[i]) == learned_bytes(*theirs[i]), "the transforms ", ours[i]->spec(),
            " of the two indexes learned from different rows, so that their codes mean different things");
  }
}

}  // namespace

PreTransformIndex::PreTransformIndex(TransformChain transforms, std::shared_ptr<Index> index)
    : Index(dim_before(transforms), index->metric()), index_(std::move(index)) {
  require(!dynamic_cast<PreTransformIndex*>(index_.get()), "the transforms of a PreTransformIndex are one chain: put ",
          index_->spec(), " together");
  require(!dynamic_cast<RefineIndex*>(index_.get()),
          "a RefineIndex goes around a PreTransformIndex, not inside: ", index_->spec());
  require(index_->size() == 0, "the index behind the transforms holds ", index_->size(), " rows already");
  std::size_t dim = this->dim();
  for (const auto& transform : transforms) {
    require(transform->dim_in() == dim, transform->spec(), " takes ", transform->dim_in(), " dimensions, not ", dim);
    dim = transform->dim_out();
    fixed_.push_back(transform->is_trained());
  }
  require(index_->dim() == dim, "the transforms give ", dim, " dimensions, the index has ", index_->dim());
  set_chain(std::move(transforms));
}

PreTransformIndex::~PreTransformIndex() = default;

std::shared_ptr<const TransformChain> PreTransformIndex::chain() const {
  const std::lock_guard lock(chain_mutex_);
  return chain_;
}

void PreTransformIndex::set_chain(TransformChain chain) {
  auto next = std::make_shared<const TransformChain>(std::move(chain));
  const std::lock_guard lock(chain_mutex_);
  chain_ = std::move(next);
}

Matrix PreTransformIndex::images(MatrixView rows, const RunOptions& options) const {
  require(rows.dim() == dim(), "rows have ", rows.dim(), " dimensions, the index has ", dim());
  const auto chain = this->chain();
  if (!all_trained(*chain)) fail(Error::wrong_state, "images need trained transforms: call train first");
  return images_of(*chain, rows, options);
}

DType PreTransformIndex::dtype() const noexcept { return index_->dtype(); }
std::size_t PreTransformIndex::size() const noexcept { return index_->size(); }
bool PreTransformIndex::is_trained() const noexcept { return all_trained(*chain()) && index_->is_trained(); }
Id PreTransformIndex::next_id() const { return index_->next_id(); }

std::string PreTransformIndex::spec() const { return stages_of(*chain()) + index_->spec(); }

// Its answers are the nearest images.
Capabilities PreTransformIndex::capabilities() const {
  Capabilities inside = index_->capabilities();
  inside.exact = false;
  inside.keeps_rows = false;
  inside.needs_training |= !all_trained(*chain());
  return inside;
}

IndexStats PreTransformIndex::stats() const { return index_->stats(); }
Report PreTransformIndex::verify() const { return index_->verify(); }

std::size_t PreTransformIndex::code_bytes() const { return index_->code_bytes(); }

void PreTransformIndex::write_merged(SectionWriter& writer, Others others, const MergeOptions& options) const {
  const std::shared_lock lock(training_mutex_);
  const auto chain = this->chain();
  std::vector<const Index*> inside;
  for (const PreTransformIndex* other : same_shape(*this, others)) {
    require_same(*chain, *other->chain());
    inside.push_back(other->index_.get());
  }
  for (std::size_t i = 0; i < chain->size(); ++i) {
    const std::vector<Byte> learned = learned_bytes(*(*chain)[i]);
    if (!learned.empty()) writer.section(section_of(i), kTransformVersion, learned);
  }
  index_->write_merged(writer, inside, options);
}

void PreTransformIndex::read(const Container& container) {
  const auto chain = this->chain();
  for (std::size_t i = 0; i < chain->size(); ++i) {
    const std::string name = section_of(i);
    if (container.find(name)) {
      learn_from(container.at(name, kTransformVersion).bytes, "section " + name, *(*chain)[i]);
    }
  }
  index_->read(container);
  if (!all_trained(*chain) && size() > 0) fail(Error::corrupt_file, size(), " rows behind transforms without training");
}

void PreTransformIndex::train_rows(MatrixView rows, const TrainOptions& options) {
  const auto start = Clock::now();
  const std::unique_lock lock(training_mutex_);
  reject_bad_rows(rows, options.run);
  TaughtChain taught = taught_chain(*chain(), fixed_, rows, {remaining(options.run, start), options.warnings});
  if (taught.learned && size() > 0) {
    fail(Error::wrong_state, "the index holds ", size(), " rows: clear it before it is trained again");
  }
  index_->train(taught.images, {remaining(options.run, start), options.warnings});
  if (taught.learned) set_chain(std::move(taught.transforms));
}

std::size_t PreTransformIndex::add_rows(MatrixView rows, const AddOptions& options) {
  const std::shared_lock lock(training_mutex_);
  const auto [images, rest] = images_to_store(*chain(), rows, options);
  return index_->add(images, rest);
}

void PreTransformIndex::search_rows(MatrixView queries, std::size_t k, float* distances, Id* ids, std::size_t* counts,
                                    const SearchOptions& options) const {
  const auto start = Clock::now();
  const Matrix images = images_of(*chain(), queries, options.run);
  const std::size_t places = queries.rows() * k;
  SearchOptions rest = options;
  rest.run = remaining(options.run, start);
  index_->search(images, k, {distances, places}, {ids, places}, {counts, counts ? queries.rows() : 0}, rest);
}

RangeNeighbors PreTransformIndex::range_rows(MatrixView queries, float radius, const SearchOptions& options) const {
  const auto start = Clock::now();
  const Matrix images = images_of(*chain(), queries, options.run);
  SearchOptions rest = options;
  rest.run = remaining(options.run, start);
  return index_->range_search(images, radius, rest);
}

RangeNeighbors PreTransformIndex::rank_rows(MatrixView queries, std::span<const std::vector<Id>> candidates,
                                            std::size_t k, const RunOptions& options) const {
  const auto start = Clock::now();
  const Matrix images = images_of(*chain(), queries, options);
  return index_->rank(images, candidates, k, remaining(options, start));
}

bool PreTransformIndex::has_id(Id id) const { return index_->contains(id); }
std::vector<Id> PreTransformIndex::list_ids() const { return index_->ids(); }

void PreTransformIndex::get_rows(std::span<const Id> ids, float* rows) const {
  reverse_all(*chain(), index_->get(ids), rows);
}

void PreTransformIndex::encode_rows(MatrixView rows, Byte* codes, const RunOptions& options) const {
  const auto start = Clock::now();
  const Matrix images = images_of(*chain(), rows, options);
  const std::vector<Byte> all = index_->encode(images, remaining(options, start));
  std::copy(all.begin(), all.end(), codes);
}

void PreTransformIndex::decode_codes(const Byte* codes, std::size_t n, float* rows, const RunOptions& options) const {
  reverse_all(*chain(), index_->decode({codes, n * index_->code_bytes()}, options), rows);
}

std::size_t PreTransformIndex::remove_selected(const Selector& selector) { return index_->remove(selector); }
std::size_t PreTransformIndex::remove_ids(std::span<const Id> ids) { return index_->remove(ids); }

void PreTransformIndex::update_rows(std::span<const Id> ids, MatrixView rows, const AddOptions& options) {
  const std::shared_lock lock(training_mutex_);
  const auto [images, rest] = images_to_store(*chain(), rows, options);
  index_->update(ids, images, rest);
}

void PreTransformIndex::merge_rows(const Index& other, const MergeOptions& options) {
  const auto* theirs = dynamic_cast<const PreTransformIndex*>(&other);
  require(theirs != nullptr, "cannot merge an index of another shape: ", other.spec(), " into ", spec());
  const std::shared_lock lock(training_mutex_);
  const std::shared_lock their_lock(theirs->training_mutex_);
  require_same(*chain(), *theirs->chain());
  index_->merge(*theirs->index_, options);
}

void PreTransformIndex::remove_all() { index_->clear(); }

}  // namespace knear
