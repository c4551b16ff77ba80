// The canonical distances: float64, the same bits on every instruction set.
//
// Element j goes into sum j % 16, by a multiply and an add that round separately. What is behind the last element
// counts as 0, which changes no sum: none can be -0.

struct Sums16 {
  V::D part[V::parts];
};

struct ExactL2 {
  static V::D add(V::D sum, V::D q, V::D x) {
    const V::D difference = q - x;
    return sum + difference * difference;
  }
};

struct ExactProduct {
  static V::D add(V::D sum, V::D q, V::D x) { return sum + q * x; }
};

struct ExactL1 {
  static V::D add(V::D sum, V::D q, V::D x) {
    const V::D difference = q - x;
    return sum + (difference < 0 ? -difference : difference);
  }
};

// NaN wins and stays.
struct ExactLinf {
  static V::D add(V::D largest, V::D q, V::D x) {
    const V::D difference = q - x;
    const V::D distance = difference < 0 ? -difference : difference;
    return largest >= distance ? largest : (largest == largest ? distance : largest);
  }
};

// The sums of one pair of vectors. Fetches `next`, the row to come, line by line on the way.
template <class Term>
[[gnu::always_inline]] inline Sums16 sums_of(const float* query, const float* row, size_t dim, const float* next) {
  Sums16 sums;
  for (size_t p = 0; p < V::parts; ++p) sums.part[p] = V::zero_f64();
  size_t j = 0;
  for (; j + 16 <= dim; j += 16) {
    __builtin_prefetch(next + j);
    for (size_t p = 0; p < V::parts; ++p)
      sums.part[p] = Term::add(sums.part[p], V::load_f64(query + j, p), V::load_f64(row + j, p));
  }
  if (j < dim) {
    __builtin_prefetch(next + j);
    V::D q[V::parts];
    V::D x[V::parts];
    V::load_first_f64(query + j, dim - j, q);
    V::load_first_f64(row + j, dim - j, x);
    for (size_t p = 0; p < V::parts; ++p) sums.part[p] = Term::add(sums.part[p], q[p], x[p]);
  }
  return sums;
}

// s[i] += s[i + 8], s[i + 4], s[i + 2], s[i + 1].
[[gnu::always_inline]] inline double total(const Sums16& sums) { return V::sum16(sums.part); }

[[gnu::always_inline]] inline double largest_of(const Sums16& sums) {
  double s[16];
  __builtin_memcpy(s, sums.part, sizeof s);
  double largest = s[0];
  for (size_t i = 1; i < 16; ++i)
    if (largest == largest && !(s[i] <= largest)) largest = s[i];
  return largest;
}

// The row whose lines are worth fetching while row i is summed: about one trip to memory ahead.
[[gnu::always_inline]] inline const float* row_ahead(const float* const* rows, size_t i, size_t count, size_t dim) {
  const size_t ahead = i + 1 + (dim < 32 ? 16 : 512 / dim);
  return rows[ahead < count ? ahead : count - 1];
}

void exact_l2_rows(const float* query, const float* const* rows, size_t count, size_t dim, float, double* out) {
  for (size_t i = 0; i < count; ++i)
    out[i] = total(sums_of<ExactL2>(query, rows[i], dim, row_ahead(rows, i, count, dim)));
}

void exact_inner_product_rows(const float* query, const float* const* rows, size_t count, size_t dim, float,
                              double* out) {
  for (size_t i = 0; i < count; ++i)
    out[i] = total(sums_of<ExactProduct>(query, rows[i], dim, row_ahead(rows, i, count, dim)));
}

void exact_l1_rows(const float* query, const float* const* rows, size_t count, size_t dim, float, double* out) {
  for (size_t i = 0; i < count; ++i)
    out[i] = total(sums_of<ExactL1>(query, rows[i], dim, row_ahead(rows, i, count, dim)));
}

void exact_linf_rows(const float* query, const float* const* rows, size_t count, size_t dim, float, double* out) {
  for (size_t i = 0; i < count; ++i)
    out[i] = largest_of(sums_of<ExactLinf>(query, rows[i], dim, row_ahead(rows, i, count, dim)));
}

// x y / (|x| |y|), in [-1, 1]; 0 when either vector is zero, NaN when either holds one.
[[gnu::always_inline]] inline double cosine_of(double product, double query_square, double row_square) {
  if (query_square == 0 || row_square == 0) return product;
  const double cosine = product / (__builtin_sqrt(query_square) * __builtin_sqrt(row_square));
  return cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
}

void exact_cosine_rows(const float* query, const float* const* rows, size_t count, size_t dim, float, double* out) {
  const double query_square = total(sums_of<ExactProduct>(query, query, dim, query));
  for (size_t i = 0; i < count; ++i) {
    const double product = total(sums_of<ExactProduct>(query, rows[i], dim, row_ahead(rows, i, count, dim)));
    const double row_square = total(sums_of<ExactProduct>(rows[i], rows[i], dim, rows[i]));
    out[i] = cosine_of(product, query_square, row_square);
  }
}
