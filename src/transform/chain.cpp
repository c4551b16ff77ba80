#include "transform/chain.h"

#include <algorithm>
#include <chrono>

#include "core/call_limits.h"
#include "transform/apply_all.h"

namespace knear {

using Clock = std::chrono::steady_clock;

Matrix images_of(const TransformChain& chain, MatrixView rows, const RunOptions& options) {
  const auto start = Clock::now();
  Matrix images;
  for (const auto& transform : chain) {
    images = images_of(*transform, transform->dim_out(), rows, remaining(options, start));
    rows = images;
  }
  return images;
}

void reverse_all(const TransformChain& chain, Matrix images, float* rows) {
  for (std::size_t i = chain.size(); i-- > 1;) {
    Matrix before(DType::f32, images.rows(), chain[i]->dim_in());
    chain[i]->reverse(images.floats(), images.rows(), before.floats());
    images = std::move(before);
  }
  chain.front()->reverse(images.floats(), images.rows(), rows);
}

bool all_trained(const TransformChain& chain) {
  return std::all_of(chain.begin(), chain.end(), [](const auto& transform) { return transform->is_trained(); });
}

std::string stages_of(const TransformChain& chain) {
  std::string text;
  for (const auto& transform : chain) text += transform->spec() + ",";
  return text;
}

TaughtChain taught_chain(const TransformChain& chain, const std::vector<bool>& fixed, MatrixView rows,
                         const TrainOptions& options) {
  const auto start = Clock::now();
  TaughtChain now;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    std::shared_ptr<Transform> taught =
        fixed[i] ? nullptr : chain[i]->trained(rows, {remaining(options.run, start), options.warnings});
    now.learned |= taught != nullptr;
    now.transforms.push_back(taught ? taught : chain[i]);
    const Transform& last = *now.transforms.back();
    now.images = images_of(last, last.dim_out(), rows, remaining(options.run, start));
    rows = now.images;
  }
  return now;
}

}  // namespace knear
