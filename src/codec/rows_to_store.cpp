#include "codec/rows_to_store.h"

#include "core/check.h"
#include "metric/finite_rows.h"

namespace knear {

RowsToStore::RowsToStore(MatrixView rows, const AddOptions& options, const Codec& codec)
    : rows_(rows), ids_(options.ids) {
  if (options.nan_policy == NanPolicy::keep && codec.keeps_bad_rows()) return;
  const std::size_t bad = first_bad_row(rows, options.run);
  if (bad == rows.rows()) return;
  require(options.nan_policy != NanPolicy::reject, "row ", bad, " holds NaN or Inf");
  require(options.nan_policy != NanPolicy::keep, "row ", bad, " holds NaN or Inf, which a code of ", codec.spec(),
          " cannot keep: it would be found as another row");
  some_ = true;
  good_ = good_rows(rows, bad);
  if (ids_.empty()) return;
  for (const std::size_t row : good_) good_ids_.push_back(ids_[row]);
}

MatrixView RowsToStore::view(Matrix& copy) const {
  if (!some_) return rows_;
  copy = Matrix(DType::f32, good_.size(), rows_.dim());
  for (std::size_t i = 0; i < good_.size(); ++i) copy_row(i, copy.floats() + i * rows_.dim());
  return copy;
}

void RowsToStore::encode(const Codec& codec, std::size_t first, std::size_t count, Byte* codes) const {
  if (!some_) return codec.encode(rows_.slice(first, count), codes);
  for (std::size_t i = first; i < first + count; ++i, codes += codec.code_bytes()) {
    codec.encode(rows_.slice(good_[i], 1), codes);
  }
}

}  // namespace knear
