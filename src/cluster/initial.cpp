#include "cluster/initial.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "cluster/streams.h"
#include "core/parallel_for.h"
#include "kernels/dispatch.h"

namespace knear {
namespace {

constexpr std::size_t kTaskRows = 4096;
constexpr std::size_t kChain = 128;  // steps of a Markov chain

// Row numbers drawn by chance in proportion to shares that are not negative.
class Lottery {
 public:
  explicit Lottery(std::size_t n) : ends_(n) {}

  // Shares come in ascending order of the rows.
  void set(std::span<const double> shares) {
    double sum = 0;
    for (std::size_t i = 0; i < shares.size(); ++i) ends_[i] = sum += shares[i];
  }
  double total() const { return ends_.back(); }
  std::size_t draw(Rng& rng) const {
    const double point = rng.uniform_double() * total();
    const auto at = std::upper_bound(ends_.begin(), ends_.end(), point);
    return std::min<std::size_t>(static_cast<std::size_t>(at - ends_.begin()), ends_.size() - 1);
  }

 private:
  std::vector<double> ends_;
};

class Chooser {
 public:
  Chooser(const TrainingRows& rows, Matrix& centroids, Rng rng, const RunOptions& run)
      : rows_(rows), centroids_(centroids), rng_(rng), run_(run) {}

  void random(std::size_t first) {
    const std::size_t wanted = centroids_.rows() - first;
    const auto chosen = rng_.sample(rows_.count(), wanted);
    for (std::size_t i = 0; i < wanted; ++i) put(first + i, chosen[i]);
  }

  // Arthur, Vassilvitskii: "k-means++: the advantages of careful seeding" (2007): the next centroid is a row drawn in
  // proportion to its squared distance to the centroids so far.
  void plus_plus(std::size_t first) {
    std::vector<double> nearest(rows_.count(), std::numeric_limits<double>::infinity());
    Lottery lottery(rows_.count());
    for (std::size_t c = 0; c < first; ++c) lower(c, nearest);
    for (std::size_t c = first; c < centroids_.rows(); ++c) {
      if (c == 0) {
        put(0, by_weight().draw(rng_));
      } else {
        lottery.set(weighted(nearest));
        put(c, lottery.total() > 0 ? lottery.draw(rng_) : rng_.below(rows_.count()));
      }
      if (c + 1 < centroids_.rows()) lower(c, nearest);
    }
  }

  // Bachem, Lucic, Hassani, Krause: "Fast and provably good seedings for k-means" (2016): the draw of k-means++ by a
  // Markov chain whose proposals come from one pass: half by distance to the first centroid, half even.
  void markov_chain(std::size_t first) {
    if (first == 0) put(first++, by_weight().draw(rng_));
    std::vector<double> shares(rows_.count(), std::numeric_limits<double>::infinity());
    lower(0, shares);
    shares = weighted(shares);
    double weights = 0;
    double total = 0;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      weights += rows_.weight(i);
      total += shares[i];
    }
    for (std::size_t i = 0; i < shares.size(); ++i) {
      shares[i] = (total > 0 ? shares[i] / total : 0) + rows_.weight(i) / weights;
    }
    Lottery lottery(rows_.count());
    lottery.set(shares);
    for (std::size_t c = first; c < centroids_.rows(); ++c) put(c, end_of_chain(c, lottery, shares));
  }

 private:
  void put(std::size_t c, std::size_t row) {
    std::copy_n(rows_.row(row), rows_.dim(), centroids_.floats() + c * rows_.dim());
  }

  Lottery by_weight() const {
    Lottery lottery(rows_.count());
    lottery.set(weighted(std::vector<double>(rows_.count(), 1.0)));
    return lottery;
  }

  std::vector<double> weighted(std::vector<double> shares) const {
    for (std::size_t i = 0; i < shares.size(); ++i) shares[i] *= rows_.weight(i);
    return shares;
  }

  // nearest[i] = the smaller of itself and row i's squared distance to centroid c.
  void lower(std::size_t c, std::vector<double>& nearest) const {
    const std::size_t tasks = (rows_.count() + kTaskRows - 1) / kTaskRows;
    parallel_for(tasks, run_, [&](std::size_t task, std::size_t) {
      float distances[kTaskRows];
      const std::size_t begin = task * kTaskRows;
      const std::size_t count = std::min(kTaskRows, rows_.count() - begin);
      kernels::table().l2_rows(centroids_.floats() + c * rows_.dim(), rows_.row(begin), rows_.rows().stride, count,
                               rows_.dim(), distances);
      for (std::size_t i = 0; i < count; ++i) {
        nearest[begin + i] = std::min(nearest[begin + i], static_cast<double>(distances[i]));
      }
    });
  }

  // Weighted squared distance of a row to the nearest of the first c centroids.
  double share(std::size_t row, std::size_t c) const {
    std::vector<float> distances(c);
    kernels::table().l2_rows(rows_.row(row), centroids_.floats(), rows_.dim(), c, rows_.dim(), distances.data());
    return rows_.weight(row) * static_cast<double>(*std::min_element(distances.begin(), distances.end()));
  }

  std::size_t end_of_chain(std::size_t c, const Lottery& proposals, std::span<const double> shares) {
    std::size_t chain[kChain];
    double wanted[kChain];
    for (std::size_t& row : chain) row = proposals.draw(rng_);
    parallel_for(kChain / 8, run_, [&](std::size_t task, std::size_t) {
      for (std::size_t i = 8 * task; i < 8 * (task + 1); ++i) wanted[i] = share(chain[i], c);
    });
    std::size_t at = 0;
    for (std::size_t i = 1; i < kChain; ++i) {
      const double here = wanted[at] * shares[chain[i]];
      const double there = wanted[i] * shares[chain[at]];
      if (rng_.uniform_double() * here < there) at = i;
    }
    return chain[at];
  }

  const TrainingRows& rows_;
  Matrix& centroids_;
  Rng rng_;
  const RunOptions& run_;
};

}  // namespace

void choose_initial(const TrainingRows& rows, std::size_t first, Matrix& centroids, const KmeansOptions& options,
                    std::size_t run) {
  Chooser chooser(rows, centroids, Rng(options.seed, stream_of(Draw::initial, run)), options.run);
  if (first == centroids.rows()) return;
  switch (options.init) {
    case KmeansInit::random:
      return chooser.random(first);
    case KmeansInit::kmeans_plus_plus:
      return chooser.plus_plus(first);
    case KmeansInit::afk_mc2:
      return chooser.markov_chain(first);
  }
}

}  // namespace knear
