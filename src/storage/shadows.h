// Shadows of the codes of a snapshot: learned from a sample, cast by many threads.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "knear/codec.h"
#include "knear/parallel.h"
#include "storage/draft.h"

namespace knear {

// For codes that lie one after the other in each chunk.
std::shared_ptr<const Shadow> learn_shadow(const Codec& codec, const Snapshot& snapshot);
// Null unless errors are much smaller with another than with this.
std::shared_ptr<const Shadow> learn_better_shadow(const Codec& codec, const Snapshot& snapshot, const Shadow& now);
void cast_shadows(const Draft::Casting& job, std::size_t code_bytes, const RunOptions& options);

// Shadows that do not hold for their codes, in words.
std::vector<std::string> problems_of_shadows(const Snapshot& snapshot);

}  // namespace knear
