#include "wrap/row_finder.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <random>

#include "core/call_limits.h"
#include "core/mix.h"
#include "core/parallel_for.h"

namespace knear {
namespace {

constexpr std::size_t kTaskRows = 512;
constexpr std::size_t kComparedAtOnce = 4096;

std::uint64_t random_seed() noexcept {
  try {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
  } catch (...) {
    return 0x9e3779b97f4a7c15u;  // a process without random numbers still works
  }
}

const std::uint64_t kSeed = random_seed();

Id as_id(std::uint64_t number) { return static_cast<Id>(number); }

bool same(const float* a, const float* b, std::size_t dim) { return std::memcmp(a, b, dim * sizeof(float)) == 0; }

}  // namespace

// Four at a time, so that multiplications need not wait for each other.
std::uint64_t RowFinder::hash_of(const float* row, std::size_t dim) {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15u;
  std::uint64_t sums[4] = {kSeed, kSeed ^ 1, kSeed ^ 2, kSeed ^ 3};
  for (std::size_t j = 0; j < dim; ++j) {
    std::uint64_t& sum = sums[j % 4];
    sum = (std::rotl(sum, 23) ^ std::bit_cast<std::uint32_t>(row[j])) * odd;
  }
  std::uint64_t hash = dim;
  for (const std::uint64_t sum : sums) hash = mix(hash ^ sum) * odd;
  return hash;
}

void RowFinder::forget() noexcept {
  empty();
  knows_ = false;
}

void RowFinder::empty() noexcept {
  first_.clear();
  others_.clear();
  hashes_ = std::vector<std::uint64_t>();
  knows_ = true;
}

void RowFinder::learn(std::span<const Id> ids, const RunOptions& run) {
  const auto start = std::chrono::steady_clock::now();
  forget();
  first_.reserve(ids.size());
  std::vector<std::uint64_t> hashes(std::min(ids.size(), kComparedAtOnce));
  for (std::size_t at = 0; at < ids.size(); at += kComparedAtOnce) {
    const std::span<const Id> some = ids.subspan(at, std::min(kComparedAtOnce, ids.size() - at));
    const Matrix rows = index_.get(some);
    const auto row_of = [&](std::size_t i, float* row) {
      std::copy_n(rows.floats() + i * rows.dim(), rows.dim(), row);
    };
    hash_rows(some.size(), row_of, remaining(run, start), hashes.data());
    knows_ = true;
    for (std::size_t i = 0; i < some.size(); ++i) add(static_cast<std::uint64_t>(some[i]), hashes[i]);
    if (!knows_) throw std::bad_alloc();
    knows_ = false;
  }
  knows_ = true;
}

void RowFinder::add(std::uint64_t id, std::uint64_t hash) noexcept {
  if (!knows_) return;
  try {
    if (id >= hashes_.size()) hashes_.resize(id + 1);
    hashes_[id] = hash;
    if (!first_.insert(as_id(hash), id)) others_.emplace(hash, id);
  } catch (const std::exception&) {
    forget();
  }
}

void RowFinder::remove(std::uint64_t id) noexcept {
  if (!knows_ || id >= hashes_.size()) return;
  const std::uint64_t hash = hashes_[id];
  auto [other, end] = others_.equal_range(hash);
  if (first_.find(as_id(hash)) == id) {
    if (other == end) {
      first_.erase(as_id(hash));
    } else {
      first_.assign(as_id(hash), other->second);
      others_.erase(other);
    }
    return;
  }
  for (; other != end; ++other) {
    if (other->second != id) continue;
    others_.erase(other);
    return;
  }
}

void RowFinder::hash_rows(std::size_t count, const RowOf& row_of, const RunOptions& run, std::uint64_t* hashes) const {
  const std::size_t dim = index_.dim();
  parallel_for((count + kTaskRows - 1) / kTaskRows, run, [&](std::size_t task, std::size_t) {
    std::vector<float> row(dim);
    const std::size_t end = std::min(count, (task + 1) * kTaskRows);
    for (std::size_t i = task * kTaskRows; i < end; ++i) {
      row_of(i, row.data());
      hashes[i] = hash_(row.data(), dim);
    }
  });
}

void RowFinder::find_leaders(Matches& matches, const RowOf& row_of) const {
  const std::size_t dim = index_.dim();
  std::vector<float> mine(dim);
  std::vector<float> theirs(dim);
  const auto same_row = [&](std::size_t i, std::size_t j) {
    row_of(j, theirs.data());
    row_of(i, mine.data());
    return same(mine.data(), theirs.data(), dim);
  };
  IdMap first;
  first.reserve(matches.hashes.size());
  std::multimap<std::uint64_t, std::size_t> others;
  for (std::size_t i = 0; i < matches.hashes.size(); ++i) {
    const std::uint64_t hash = matches.hashes[i];
    matches.leader[i] = i;
    if (first.insert(as_id(hash), i)) continue;
    if (const std::size_t j = first.find(as_id(hash)); same_row(i, j)) {
      matches.leader[i] = j;
      continue;
    }
    const auto [begin, end] = others.equal_range(hash);
    const auto found = std::find_if(begin, end, [&](const auto& other) { return same_row(i, other.second); });
    if (found != end) {
      matches.leader[i] = found->second;
    } else {
      others.emplace(hash, i);
    }
  }
}

std::vector<RowFinder::Pair> RowFinder::candidates(const Matches& matches) const {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < matches.leader.size(); ++i) {
    if (matches.leader[i] != i) continue;
    const std::uint64_t hash = matches.hashes[i];
    const std::uint64_t group = first_.find(as_id(hash));
    if (group == IdMap::kNoSlot) continue;
    pairs.push_back({i, group});
    const auto [begin, end] = others_.equal_range(hash);
    for (auto other = begin; other != end; ++other) pairs.push_back({i, other->second});
  }
  return pairs;
}

RowFinder::Matches RowFinder::match(std::size_t count, const RowOf& row_of, const RunOptions& run) const {
  Matches matches{std::vector<std::uint64_t>(count), std::vector<std::size_t>(count),
                  std::vector<std::uint64_t>(count, kNone)};
  hash_rows(count, row_of, run, matches.hashes.data());
  find_leaders(matches, row_of);
  const std::vector<Pair> pairs = candidates(matches);
  std::vector<float> row(index_.dim());
  for (std::size_t first = 0; first < pairs.size(); first += kComparedAtOnce) {
    const std::span<const Pair> some(pairs.data() + first, std::min(kComparedAtOnce, pairs.size() - first));
    std::vector<Id> ids;
    for (const Pair& pair : some) ids.push_back(as_id(pair.group));
    const Matrix stored = index_.get(ids);
    for (std::size_t i = 0; i < some.size(); ++i) {
      row_of(some[i].row, row.data());
      if (same(row.data(), stored.floats() + i * index_.dim(), index_.dim()))
        matches.group[some[i].row] = some[i].group;
    }
  }
  return matches;
}

std::size_t RowFinder::memory_bytes() const noexcept {
  return first_.memory_bytes() + hashes_.capacity() * sizeof(std::uint64_t);
}

}  // namespace knear
