// knear._knear: the table of contents.
#include "module.h"

NB_MODULE(_knear, m) {
  using namespace knear::python;
  m.doc() = "The compiled part of knear; import knear instead.";
  init_errors(m);
  init_values(m);
  init_metrics(m);
  init_selectors(m);
  init_index(m);
  init_files(m);
  init_parts(m);
  init_datasets(m);
  init_functions(m);
  init_clustering(m);
  init_transforms(m);
  init_wrappers(m);
  init_partitions(m);
  init_graphs(m);
}
