// What several searches did, summed.
#pragma once

#include "knear/params.h"

namespace knear {

inline void add_to(SearchStats* sum, const SearchStats& part) {
  if (!sum) return;
  sum->rows_scored += part.rows_scored;
  sum->bytes_scored += part.bytes_scored;
  sum->rows_reranked += part.rows_reranked;
  sum->lists_visited += part.lists_visited;
  sum->coarse_seconds += part.coarse_seconds;
  sum->scan_seconds += part.scan_seconds;
}

}  // namespace knear
