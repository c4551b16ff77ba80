// Vector files as they are often published: packed with gzip.
#pragma once

#include <filesystem>
#include <memory>

#include "knear/dataset.h"
#include "session.h"

namespace knear::cli {

// Unpacks x.npy.gz to a temporary file in $TMPDIR and opens that; it is gone with the result.
// Throws Error::io_failure, Error::corrupt_file, and what open_vectors throws for the name without .gz.
std::unique_ptr<VectorFile> open_gzip(const std::filesystem::path& path, const Session& session);

}  // namespace knear::cli
