// Filters from Python, in all the forms that a user may have them.
#pragma once

#include <nanobind/nanobind.h>

#include <optional>
#include <vector>

#include "knear/index.h"
#include "knear/selector.h"
#include "types.h"

namespace knear::python {

// knear.IDSelector: a set of ids.
struct PySelector {
  SelectorPtr selector;
  bool calls_python = false;
};

// knear.SearchParameters: what travels with a search under the field's names.
struct PySearchParameters {
  nb::object sel = nb::none();
};
// What only some indexes know; `inner` are the parameters for the index inside.
struct PyRefineParameters : PySearchParameters {
  std::optional<double> k_factor = {};
  nb::object inner = nb::none();
};
struct PyPreTransformParameters : PySearchParameters {
  nb::object inner = nb::none();
};
struct PyPqParameters : PySearchParameters {
  PqSearch pq;
};
struct PyIvfParameters : PySearchParameters {
  std::optional<Int> nprobe = {};
  std::optional<Int> max_codes = {};
};
struct PyHnswParameters : PySearchParameters {
  std::optional<Int> ef_search = {};
};

// The parameters of one search, its keywords included, in one piece.
struct SearchArgument {
  nb::object filter = nb::none();
  std::optional<double> k_factor = {};
  std::optional<PqSearch> pq = {};
  std::optional<std::size_t> nprobe = {};
  std::optional<std::size_t> max_codes = {};
  std::optional<std::size_t> ef_search = {};
};

// A number of cells or rows that is said: from 1 on.
std::optional<std::size_t> said(const std::optional<Int>& value, const char* name);

// The filter of one call.
struct Filter {
  SelectorPtr one;                // for all queries, or
  std::vector<SelectorPtr> many;  // one for each; null allows all
  bool calls_python = false;
};

// Reads a filter: None, an IDSelector, a callable, integers (the ids that may be used), bools (one for each
// of index.ids()), or a list with one of these per query. Throws Error::wrong_type for anything else and
// Error::invalid_argument, with the numbers, for a mask or a list of another length.
Filter filter_of(nb::handle filter, const Index& index, std::size_t queries);
// The same, but one for all.
PySelector selector_of(nb::handle filter, const Index& index);
// Is this ids themselves, rather than a rule that picks them?
bool lists_ids(nb::handle object);
// The field's numbers for PqSearch::By: 0, 3 and 4.
PqSearch pq_search_of(Int search_type, Int polysemous_ht);
int search_type_of(const PqSearch& search);

// What a call says by keywords and what `params` say. Throws Error::invalid_argument when both say the same thing.
SearchArgument search_argument(SearchArgument keywords, nb::handle params);

}  // namespace knear::python
