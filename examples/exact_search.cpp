// Exact search among 7,030 image features of 2,048 dimensions: the program that everybody starts with.
// The rows are those of numpy's `np.random.seed(1234); np.random.random((n, d)).astype("float32")`.
#include <knear/knear.h>

#include <cstdio>
#include <random>
#include <vector>

namespace {

constexpr std::size_t kDim = 2048;

// n random rows whose first element grows with the row.
std::vector<float> features(std::size_t n, std::mt19937& random) {
  std::vector<float> rows(n * kDim);
  for (float& value : rows) {
    const auto high = static_cast<double>(random() >> 5), low = static_cast<double>(random() >> 6);  // 53 bits
    value = static_cast<float>((high * 67108864.0 + low) / 9007199254740992.0);
  }
  for (std::size_t i = 0; i < n; ++i) {
    float& first = rows[i * kDim];
    first = static_cast<float>(first + static_cast<double>(i) / 1000.0);
  }
  return rows;
}

void print(const knear::Neighbors& found) {
  for (std::size_t q = 0; q < found.queries; ++q) {
    for (std::size_t i = q * found.k; i < (q + 1) * found.k; ++i)
      std::printf("%6lld (%.5f)", static_cast<long long>(found.ids[i]), static_cast<double>(found.distances[i]));
    std::printf("\n");
  }
}

}  // namespace

int main() {
  std::mt19937 random(1234);
  const std::vector<float> base = features(7030, random);
  const std::vector<float> queries = features(10, random);

  knear::IndexFlatL2 index(kDim);
  index.add({base, kDim});
  std::printf("%zu rows of %zu dimensions\n", index.size(), index.dim());

  const std::size_t five = 5, k = 4;
  print(index.search(knear::MatrixView(base, kDim).slice(0, five), k));  // each finds itself first, at distance 0
  print(index.search(knear::MatrixView(queries, kDim).slice(0, five), k));
}
