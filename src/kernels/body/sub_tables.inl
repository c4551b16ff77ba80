// What sub-vectors of a query are away from all centroids of their sub-spaces. Lanes are centroids.

template <bool l2>
[[gnu::always_inline]] inline V::F add_element(V::F sum, V::F q, V::F c) {
  if constexpr (!l2) return V::fma(q, c, sum);
  const V::F difference = q - c;
  return V::fma(difference, difference, sum);
}

template <size_t apart>
inline V::F least_of_lanes(V::F x) {
  if constexpr (apart >= V::lanes) return x;
  if constexpr (apart < V::lanes) {
    const V::F y = V::lesser(x, V::swapped<apart>(x));
    return least_of_lanes<2 * apart>(y);
  }
}

// `vectors` of centroids at once.
template <bool l2, size_t vectors>
[[gnu::always_inline]] inline void fill_some(const SubTablesJob* job, const float* query, const float* centroids,
                                             float* out, V::F& least, V::F& most) {
  V::F sums[vectors];
  for (size_t v = 0; v < vectors; ++v) sums[v] = V::zero();
  for (size_t j = 0; j < job->depth; ++j, centroids += job->count) {
    const V::F q = V::splat(l2 ? query[j] : -query[j]);
    for (size_t v = 0; v < vectors; ++v) sums[v] = add_element<l2>(sums[v], q, V::load(centroids + v * V::lanes));
  }
  for (size_t v = 0; v < vectors; ++v) {
    V::store(out + v * V::lanes, sums[v]);
    least = V::lesser(sums[v], least);
    most = V::greater(sums[v], most);
  }
}

template <bool l2>
void fill_sub_tables(const SubTablesJob* job) {
  constexpr size_t at_once = 4;
  for (size_t m = 0; m < job->subs; ++m) {
    const float* query = job->query + m * job->depth;
    const float* centroids = job->centroids + m * job->depth * job->count;
    float* out = job->out + m * job->count;
    V::F least = V::splat(__builtin_inff());
    V::F most = V::splat(-__builtin_inff());
    size_t c = 0;
    for (; c + at_once * V::lanes <= job->count; c += at_once * V::lanes) {
      fill_some<l2, at_once>(job, query, centroids + c, out + c, least, most);
    }
    for (; c < job->count; c += V::lanes) fill_some<l2, 1>(job, query, centroids + c, out + c, least, most);
    least = least_of_lanes<1>(least);
    most = V::zero() - least_of_lanes<1>(V::zero() - most);
    for (c = 0; c < job->count; c += V::lanes) V::store(out + c, V::load(out + c) - least);
    alignas(64) float lanes[V::lanes];
    V::store(lanes, least);
    job->least[m] = lanes[0];
    V::store(lanes, most);
    job->most[m] = lanes[0];
  }
}

void sub_tables(const SubTablesJob* job) { job->l2 ? fill_sub_tables<true>(job) : fill_sub_tables<false>(job); }
