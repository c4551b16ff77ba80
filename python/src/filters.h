// Filters from Python, in all the forms that a user may have them.
#pragma once

#include <nanobind/nanobind.h>

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
  nb::object sel;
};

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
// The filter of a call that has both spellings, `filter` and `params`.
nb::object filter_argument(nb::handle filter, nb::handle params);

}  // namespace knear::python
