// Shadows of the codes of a snapshot: learned from a sample, cast by many threads.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
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
void cast_shadows(std::span<const Draft::Casting> jobs, std::size_t code_bytes, const RunOptions& options);
// Shadows of what a draft adds; of all once there are enough rows, and again when those that came later are other ones.
void add_shadows(const Codec& codec, Draft& draft, const RunOptions& options);

// Shadows that do not hold for their codes, in words.
std::vector<std::string> problems_of_shadows(const Snapshot& snapshot);

}  // namespace knear
