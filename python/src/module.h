// The parts of the extension module; module.cpp is their table of contents.
#pragma once

#include <nanobind/nanobind.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "knear/index.h"

namespace nb = nanobind;

namespace knear::python {

// knear.Index: owns an index and remembers what its calls default to.
struct PyIndex {
  std::unique_ptr<Index> index;
  OnDuplicate on_duplicate = OnDuplicate::error;
};

// A new Python object of the most derived class that fits, e.g. knear.IndexFlatL2.
nb::object wrap(std::unique_ptr<Index> index, OnDuplicate on_duplicate = OnDuplicate::error);
OnDuplicate on_duplicate_of(std::string_view name);
const char* name_of(OnDuplicate on_duplicate) noexcept;

// Each adds one subject to the module.
void init_errors(nb::module_& m);
void init_values(nb::module_& m);
void init_metrics(nb::module_& m);
void init_selectors(nb::module_& m);
void init_index(nb::module_& m);
void init_files(nb::module_& m);
void init_datasets(nb::module_& m);
void init_functions(nb::module_& m);
void init_clustering(nb::module_& m);

// Metadata as Python has it: values are str where they are UTF-8, else bytes.
nb::dict decoded(const std::map<std::string, std::string>& metadata);
std::map<std::string, std::string> encoded(const nb::dict& metadata);

// The methods of Index, by subject.
void define_rows(nb::class_<PyIndex>& index);
void define_search(nb::class_<PyIndex>& index);
void define_files(nb::class_<PyIndex>& index);
void define_codes(nb::class_<PyIndex>& index);

}  // namespace knear::python
