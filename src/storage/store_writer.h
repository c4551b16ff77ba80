// Stores on their way into a file: one, or several whose rows follow each other there as if they were one. Little
// memory is taken whatever they hold.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "io/container.h"
#include "knear/params.h"
#include "storage/snapshot.h"

namespace knear {

inline constexpr std::uint32_t kStoreVersion = 1;  // of all these sections; 1: first

// What one store puts there.
struct StoredPart {
  std::shared_ptr<const Snapshot> snapshot;
  Id next_id = 0;
  bool repeated = false;   // an id may stand more than once
  bool ascending = false;  // ids are, through the chunks
  Id shift = 0;            // is added to each id
};

// The same parts with their ids settled: shifted, the earlier of two rows with one id left out, or left as they are.
// Error::duplicate_id names an id that two parts hold. Takes up to 16 bytes a row for ids that lie far apart, less
// otherwise, nothing where each part has a range of ids to itself.
std::vector<StoredPart> with_ids_settled(std::vector<StoredPart> parts, const MergeOptions& options);

// Sections "rows", "codes" and what else docs/format.md says. Parts agree in layout, code bytes and cells.
void write_parts(SectionWriter& writer, std::span<const StoredPart> parts);

}  // namespace knear
