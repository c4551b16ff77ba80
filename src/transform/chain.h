// Several transforms, one after the other.
#pragma once

#include <vector>

#include "knear/transform.h"

namespace knear {

// The images of all rows under all of at least one transform.
Matrix images_of(const TransformChain& chain, MatrixView rows, const RunOptions& options);
// From the last images back to rows.
void reverse_all(const TransformChain& chain, Matrix images, float* rows);
bool all_trained(const TransformChain& chain);
// "PCA32,RR,": each with the comma behind it.
std::string stages_of(const TransformChain& chain);

// What these rows teach: transform by transform, each from the images of the ones before.
struct TaughtChain {
  TransformChain transforms;
  bool learned = false;  // any of them
  Matrix images;         // of the rows under all of them
};
// Those that are fixed, by their place, stay as they are.
TaughtChain taught_chain(const TransformChain& chain, const std::vector<bool>& fixed, MatrixView rows,
                         const TrainOptions& options);

}  // namespace knear
