// Rows and ids out of the bytes of a dataset file, whatever its format.
#pragma once

#include <memory>

#include "interop/formats.h"
#include "knear/dataset.h"

namespace knear {

// The two halves of open_vectors() and read_ids() that need no file; `file.path` is for messages.
std::unique_ptr<VectorFile> vectors_in(const FileBytes& file, const DatasetFormat& format);
IdMatrix ids_in(const FileBytes& file, const DatasetFormat& format);

}  // namespace knear
