// The parts of the extension module; module.cpp is their table of contents.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "knear/index.h"
#include "knear/transform.h"

namespace nb = nanobind;

namespace knear::python {

// The index of a Python object. Another may take its place; calls inside the old one go on with it, for it stays alive.
class IndexPointer {
 public:
  IndexPointer(std::shared_ptr<Index> index) : all_{std::move(index)}, now_(all_.back().get()) {}
  IndexPointer(std::unique_ptr<Index> index) : IndexPointer(std::shared_ptr<Index>(std::move(index))) {}

  Index* operator->() const noexcept { return now_; }
  Index& operator*() const noexcept { return *now_; }
  // The GIL is held.
  const std::shared_ptr<Index>& shared() const noexcept { return all_.back(); }
  void replace(std::shared_ptr<Index> index) {
    all_.push_back(std::move(index));
    now_ = all_.back().get();
  }

 private:
  std::vector<std::shared_ptr<Index>> all_;
  std::atomic<Index*> now_;
};

// knear.Index: an index, and what its calls default to.
struct PyIndex {
  IndexPointer index;
  OnDuplicate on_duplicate = OnDuplicate::error;
  std::optional<PqSearch> pq = {};
  std::weak_ptr<Index> whole = {};  // the index that this one is a part of: as long as it lives, only that one writes

  // Throws Error::wrong_state for a part.
  Index& writable() const;
};

// knear.VectorTransform.
struct PyTransform {
  std::shared_ptr<Transform> transform;
};

// A new Python object of the most derived class that fits, e.g. knear.IndexFlatL2.
nb::object wrap(std::shared_ptr<Index> index, OnDuplicate on_duplicate = OnDuplicate::error);
// The same for a transform, e.g. knear.PCAMatrix.
nb::object wrap(std::shared_ptr<Transform> transform);
OnDuplicate on_duplicate_of(std::string_view name);
const char* name_of(OnDuplicate on_duplicate) noexcept;

// Each adds one subject to the module.
void init_errors(nb::module_& m);
void init_values(nb::module_& m);
void init_metrics(nb::module_& m);
void init_selectors(nb::module_& m);
void init_index(nb::module_& m);
void init_files(nb::module_& m);
void init_parts(nb::module_& m);
void init_datasets(nb::module_& m);
void init_functions(nb::module_& m);
void init_clustering(nb::module_& m);
void init_transforms(nb::module_& m);
void init_wrappers(nb::module_& m);
void init_partitions(nb::module_& m);
void init_graphs(nb::module_& m);

// Metadata as Python has it: values are str where they are UTF-8, else bytes.
nb::dict decoded(const std::map<std::string, std::string>& metadata);
std::map<std::string, std::string> encoded(const nb::dict& metadata);

// The methods of Index, by subject.
void define_rows(nb::class_<PyIndex>& index);
void define_search(nb::class_<PyIndex>& index);
void define_files(nb::class_<PyIndex>& index);
void define_codes(nb::class_<PyIndex>& index);

}  // namespace knear::python
