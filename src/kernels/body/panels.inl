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
          V::store(second, V::lesser(V::greater(old, value), V::load(second)));
        }
        V::store(best, V::lesser(value, old));
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

// What is known of the rows in the lanes.
template <bool with_second>
struct LanesEnd {
  const float* bias;
  V::F best[V::tile_vectors];
  V::F where[V::tile_vectors];
  V::F second[V::tile_vectors];

  // Here the rows of the sums are vectors.
  template <size_t rows, size_t vectors>
  [[gnu::always_inline]] inline void take(size_t first, const TileSums<rows, vectors>& sums) {
    const V::F number = V::splat(static_cast<float>(first));
    for (size_t v = 0; v < vectors; ++v) {
      V::F least = best[v];
      V::F place = where[v];
      V::F next = second[v];
      for (size_t r = 0; r < rows; ++r) {
        const V::F value = V::splat(bias[first + r]) + sums.at[r][v];
        const V::Mask closer = V::less(value, least);
        if constexpr (with_second) next = V::lesser(V::greater(least, value), next);
        least = V::lesser(value, least);
        place = V::select(closer, number + V::splat(static_cast<float>(r)), place);
      }
      best[v] = least;
      where[v] = place;
      if constexpr (with_second) second[v] = next;
    }
  }
};

// panel[j * kTileQueries + l] = element j of row l; rows that are not there are zero.
[[gnu::always_inline]] inline void turn_rows(const NearestInLanesJob& job, float* panel) {
  const size_t turned = job.count == kTileQueries ? job.dim / 4 * 4 : 0;
  for (size_t l = 0; l < kTileQueries && turned != 0; l += V::lanes) {
    for (size_t j = 0; j < turned; j += 4) {
      V::F column[4];
      V::load_columns(job.rows + l * job.row_stride + j, job.row_stride, column);
      for (size_t c = 0; c < 4; ++c) V::store(panel + (j + c) * kTileQueries + l, column[c]);
    }
  }
  for (size_t l = 0; l < kTileQueries; ++l) {
    const float* row = job.rows + l * job.row_stride;
    for (size_t j = turned; j < job.dim; ++j) panel[j * kTileQueries + l] = l < job.count ? row[j] : 0.0f;
  }
}

template <bool with_second>
void nearest_in_lanes_of(const NearestInLanesJob& job) {
  const V::F infinity = V::splat(__builtin_inff());
  LanesEnd<with_second> end{};
  end.bias = job.bias;
  for (size_t v = 0; v < V::tile_vectors; ++v) {
    end.best[v] = infinity;
    end.where[v] = V::zero();
    end.second[v] = infinity;
  }
  turn_rows(job, job.scratch);
  const Operands all{job.vectors, job.dim, job.vector_count, job.dim, nullptr, job.scratch, nullptr};
  const DepthBlock whole{0, job.dim, true, true};
  sum_block<V::tile_rows, V::tile_vectors>(all, whole, 0, end);
  float best[kTileQueries];
  float where[kTileQueries];
  float second[kTileQueries];
  for (size_t v = 0; v < V::tile_vectors; ++v) {
    V::store(best + v * V::lanes, end.best[v]);
    V::store(where + v * V::lanes, end.where[v]);
    V::store(second + v * V::lanes, end.second[v]);
  }
  for (size_t l = 0; l < job.count; ++l) {
    job.values[l] = best[l];
    job.indices[l] = static_cast<uint32_t>(where[l]);
    if constexpr (with_second) job.seconds[l] = second[l];
  }
}

void nearest_in_lanes(const NearestInLanesJob* job) {
  if (job->seconds) return nearest_in_lanes_of<true>(*job);
  nearest_in_lanes_of<false>(*job);
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
