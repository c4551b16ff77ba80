// The canonical distances of the rare metrics: scalar, compiled once, shared by all tables. Prototypes only.
#pragma once

#include "kernels/table.h"

namespace knear::kernels {

// ExactFn each; the sums run in the canonical order of 16 partial sums.
void lp_rows(const float*, const float* const*, size_t, size_t, float, double*);           // argument = p
void canberra_rows(const float*, const float* const*, size_t, size_t, float, double*);     // 0 / 0 counts as 0
void bray_curtis_rows(const float*, const float* const*, size_t, size_t, float, double*);  // 0 / 0 = 0
// In nats; an element that is 0 in both, or in the one that weighs the logarithm, adds 0.
void jensen_shannon_rows(const float*, const float* const*, size_t, size_t, float, double*);
void jaccard_rows(const float*, const float* const*, size_t, size_t, float, double*);  // two zero vectors: 1
// NaN when no dimension is known in both.
void nan_euclidean_rows(const float*, const float* const*, size_t, size_t, float, double*);
// Both negative: categories. One negative: different, 1.
void gower_rows(const float*, const float* const*, size_t, size_t, float, double*);

}  // namespace knear::kernels
