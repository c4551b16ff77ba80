// Shadows of the codes of a snapshot: learned from a sample, cast by many threads.
#pragma once

#include <cstddef>
#include <memory>

#include "knear/codec.h"
#include "knear/parallel.h"
#include "storage/draft.h"

namespace knear {

// For codes that lie one after the other in each chunk.
std::shared_ptr<const Shadow> learn_shadow(const Codec& codec, const Snapshot& snapshot);
void cast_shadows(const Draft::Casting& job, std::size_t code_bytes, const RunOptions& options);

}  // namespace knear
