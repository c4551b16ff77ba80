// Rows against many groups of packed vectors: which is nearest (k-means, encoding), or all products (rotations,
// tables). A panel stays in the first-level cache while the rows pass.

// A row's sums become best and second best of each lane so far; lower groups come first and win ties.
template <bool with_second>
struct NearestEnd {
  const NearestJob& job;
  const float* bias;
  V::F group;

  template <size_t rows, size_t vectors>
  [[gnu::always_inline]] inline void take(size_t row, const TileSums<rows, vectors>& sums) {
    for (size_t r = 0; r < rows; ++r) {
      for (size_t v = 0; v < vectors; ++v) {
        float* best = job.best + (row + r) * kTileQueries + v * V::lanes;
        float* where = job.where + (row + r) * kTileQueries + v * V::lanes;
        const V::F value = V::load(bias + v * V::lanes) + sums.at[r][v];
        const V::F old = V::load(best);
        const V::Mask closer = V::less(value, old);
        if constexpr (with_second) {
          float* second = job.second_best + (row + r) * kTileQueries + v * V::lanes;
          const V::F worse = V::select(closer, old, value);
          V::store(second, V::select(V::less(worse, V::load(second)), worse, V::load(second)));
        }
        V::store(best, V::select(closer, value, old));
        V::store(where, V::select(closer, group, V::load(where)));
      }
    }
  }
};

// The nearest of all lanes; of equal ones the first.
template <bool with_second>
[[gnu::always_inline]] inline void join_lanes(const NearestJob& job) {
  constexpr float infinity = __builtin_inff();
  for (size_t row = 0; row < job.count; ++row) {
    const float* best = job.best + row * kTileQueries;
    const float* where = job.where + row * kTileQueries;
    float value = infinity;
    float second = infinity;
    uint32_t index = 0;
    for (size_t lane = 0; lane < kTileQueries; ++lane) {
      const auto lane_index = static_cast<uint32_t>(static_cast<size_t>(where[lane]) * kTileQueries + lane);
      if constexpr (with_second) {
        const float lane_second = job.second_best[row * kTileQueries + lane];
        if (lane_second < second) second = lane_second;
      }
      if (best[lane] < value || (best[lane] == value && lane_index < index)) {
        if (value < second) second = value;
        value = best[lane];
        index = lane_index;
      } else if (best[lane] < second) {
        second = best[lane];
      }
    }
    job.values[row] = value;
    job.indices[row] = index;
    if constexpr (with_second) job.seconds[row] = second;
  }
}

template <bool with_second>
void nearest_of(const NearestJob& job) {
  const V::F infinity = V::splat(__builtin_inff());
  for (size_t i = 0; i < job.count * kTileQueries; i += V::lanes) {
    V::store(job.best + i, infinity);
    V::store(job.where + i, V::zero());
    if constexpr (with_second) V::store(job.second_best + i, infinity);
  }
  for (size_t g = 0; g < job.groups; ++g) {
    const Operands all{job.rows,   job.row_stride, job.count, job.dim, nullptr, job.panels + g * job.dim * kTileQueries,
                       job.scratch};
    NearestEnd<with_second> end{job, job.bias + g * kTileQueries, V::splat(static_cast<float>(g))};
    sum_all<V::tile_vectors>(all, end);
  }
  join_lanes<with_second>(job);
}

void nearest(const NearestJob* job) {
  if (job->seconds) return nearest_of<true>(*job);
  nearest_of<false>(*job);
}

struct ProductsEnd {
  const ProductsJob& job;
  const float* bias;
  float* out;
  size_t lanes;  // that are wanted

  template <size_t rows, size_t vectors>
  [[gnu::always_inline]] inline void take(size_t row, const TileSums<rows, vectors>& sums) {
    for (size_t r = 0; r < rows; ++r) {
      float* to = out + (row + r) * job.out_stride;
      for (size_t v = 0; v < vectors; ++v) {
        const V::F value = V::load(bias + v * V::lanes) + sums.at[r][v];
        if ((v + 1) * V::lanes <= lanes) {
          V::store(to + v * V::lanes, value);
          continue;
        }
        float some[V::lanes];
        V::store(some, value);
        for (size_t l = v * V::lanes; l < lanes; ++l) to[l] = some[l - v * V::lanes];
      }
    }
  }
};

void products(const ProductsJob* job) {
  for (size_t first = 0; first < job->columns; first += kTileQueries) {
    const size_t left = job->columns - first;
    const Operands all{job->rows,   job->row_stride, job->count, job->dim, nullptr, job->panels + first * job->dim,
                       job->scratch};
    ProductsEnd end{*job, job->bias + first, job->out + first, left < kTileQueries ? left : kTileQueries};
    sum_all<V::tile_vectors>(all, end);
  }
}
