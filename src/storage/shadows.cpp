#include "storage/shadows.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/check.h"
#include "core/parallel_for.h"
#include "io/mapped_file.h"

namespace knear {
namespace {

constexpr std::size_t kSample = 4096;    // codes to learn from
constexpr std::size_t kTaskRows = 1024;  // of one task
constexpr std::size_t kTasks = 1024;     // at most
constexpr double kMuchLess = 1.5;
constexpr std::size_t kLearnAgain = 4;  // times as many rows as before, and shadows are looked at again

// Up to `most` of the codes, from all over.
std::vector<Byte> sample_of(const Snapshot& snapshot, std::size_t most) {
  const std::size_t rows = snapshot.rows();
  const std::size_t wanted = std::min(rows, most);
  std::vector<Byte> sample(wanted * snapshot.code_bytes);
  std::size_t before = 0;  // rows of earlier chunks
  std::size_t taken = 0;
  const auto place = [&] { return taken * (rows / wanted) + taken * (rows % wanted) / wanted; };
  for (const Chunk& chunk : snapshot.chunks) {
    for (; taken < wanted && place() < before + chunk.count; ++taken) {
      std::memcpy(sample.data() + taken * snapshot.code_bytes, chunk.codes + (place() - before) * snapshot.code_bytes,
                  snapshot.code_bytes);
    }
    before += chunk.count;
  }
  return sample;
}

}  // namespace

std::shared_ptr<const Shadow> learn_shadow(const Codec& codec, const Snapshot& snapshot) {
  const std::vector<Byte> sample = sample_of(snapshot, kSample);
  return codec.make_shadow(sample.data(), sample.size() / codec.code_bytes());
}

std::shared_ptr<const Shadow> learn_better_shadow(const Codec& codec, const Snapshot& snapshot, const Shadow& now) {
  const std::vector<Byte> sample = sample_of(snapshot, kSample);
  const std::size_t rows = sample.size() / codec.code_bytes();
  auto other = codec.make_shadow(sample.data(), rows);
  return other->error(sample.data(), rows) * kMuchLess < now.error(sample.data(), rows) ? std::move(other) : nullptr;
}

std::vector<std::string> problems_of_shadows(const Snapshot& snapshot) {
  if (!snapshot.shadow) return {};
  std::size_t wrong = 0;
  Id first = kNoId;
  for (const Chunk& chunk : snapshot.chunks) {
    if (chunk.mapped) expect_reading({chunk.codes, chunk.count * snapshot.code_bytes});
    snapshot.ask_for(chunk);
    std::vector<std::uint8_t> holds(chunk.count, 1);
    parallel_for((chunk.count + kTaskRows - 1) / kTaskRows, {}, [&](std::size_t task, std::size_t) {
      for (std::size_t row = kTaskRows * task; row < std::min(chunk.count, kTaskRows * (task + 1)); ++row) {
        if (!chunk.alive(row)) continue;
        const Byte* code = chunk.codes + static_cast<std::ptrdiff_t>(row) * snapshot.stride;
        holds[row] = snapshot.shadow->holds(code, chunk.shadows + row * snapshot.shadow_bytes());
      }
    });
    for (std::size_t row = 0; row < chunk.count; ++row) {
      if (holds[row]) continue;
      if (wrong++ == 0) first = chunk.id(row);
    }
  }
  if (wrong == 0) return {};
  return {concat(wrong, " rows have shadows that are not theirs, first that of id ", first)};
}

void cast_shadows(std::span<const Draft::Casting> jobs, std::size_t code_bytes, const RunOptions& options) {
  std::vector<Draft::Casting> pieces;
  for (const Draft::Casting& job : jobs) {
    for (std::size_t first = 0; first < job.count; first += kTaskRows) {
      pieces.push_back({job.shadow, job.codes + first * code_bytes, std::min(kTaskRows, job.count - first),
                        job.shadows + first * job.shadow.bytes()});
    }
  }
  const std::size_t tasks = std::min(pieces.size(), kTasks);
  parallel_for(tasks, options, [&](std::size_t task, std::size_t) {
    for (std::size_t p = pieces.size() * task / tasks; p < pieces.size() * (task + 1) / tasks; ++p) {
      pieces[p].shadow.cast(pieces[p].codes, pieces[p].count, pieces[p].shadows);
    }
  });
}

void add_shadows(const Codec& codec, Draft& draft, const RunOptions& options) {
  const auto cast = [&](std::span<const Draft::Casting> jobs) { cast_shadows(jobs, codec.code_bytes(), options); };
  if (const Shadow* shadow = draft.next().shadow.get()) {
    if (draft.next().rows() < kLearnAgain * draft.next().shadow_rows) return draft.cast_added(cast);
    if (auto better = learn_better_shadow(codec, draft.next(), *shadow)) return draft.cast_all(std::move(better), cast);
    draft.keep_shadow();
    return draft.cast_added(cast);
  }
  if (draft.next().live < codec.casts_shadows_from()) return;
  draft.cast_all(learn_shadow(codec, draft.next()), cast);
}

}  // namespace knear
