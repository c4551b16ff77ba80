// How two vectors are compared.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace knear {

// A metric and its argument. Implicit from its kind: `Metric m = Metric::l2;`
struct Metric {
  // The numbers are those that the field's files carry; cosine is knear's own.
  enum Kind : int {
    inner_product = 0,    // sum x y; larger is closer
    l2 = 1,               // sum (x - y)^2, not its root
    l1 = 2,               // sum |x - y|
    linf = 3,             // max |x - y|
    lp = 4,               // sum |x - y|^p, p = argument
    canberra = 20,        // sum |x - y| / (|x| + |y|), 0 where both are 0
    bray_curtis = 21,     // sum |x - y| / sum |x + y|
    jensen_shannon = 22,  // divergence in nats of two non-negative vectors
    jaccard = 23,         // sum min(x, y) / sum max(x, y); larger is closer
    nan_euclidean = 24,   // squared L2 over dimensions where neither is NaN, scaled up by d / their number
    gower = 25,           // mean over d: |x - y| in [0,1]; negative values are categories: 0 if equal, else 1
    cosine = 100,         // x y / (|x| |y|) in [-1, 1]; larger is closer; 0 when either vector is zero
  };

  constexpr Metric(Kind k = l2, float arg = 0) : kind(k), argument(arg) {}
  friend constexpr bool operator==(const Metric&, const Metric&) = default;

  Kind kind;
  float argument;
};

// Is a larger value of this metric closer? (inner product, cosine, Jaccard)
bool larger_is_closer(Metric metric) noexcept;
// "l2", "ip", "cosine", …: the name that metric_of takes and files and faces show.
const char* name_of(Metric metric) noexcept;
// The name with its argument, "lp:3": metric_of(text_of(m)) == m for every valid metric.
std::string text_of(Metric metric);
// From a name such as "l2", "ip", "inner_product", "cosine", "lp:3". Upper case and '-' for '_' are fine.
// Throws Error::invalid_argument that lists the names.
Metric metric_of(std::string_view name);
// Throws Error::invalid_argument unless the kind is one of the above and its argument fits (lp: finite, > 0).
void require_valid(Metric metric);
// The value that stands where no result is: the largest finite float32, or the lowest for similarities.
float worst_value(Metric metric) noexcept;

}  // namespace knear
