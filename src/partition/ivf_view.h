// What an IvfIndex is at one moment, for the files that share it.
#pragma once

#include "knear/partition.h"
#include "partition/placement.h"
#include "storage/code_store.h"

namespace knear {

struct IvfIndex::View {
  Learned learned;
  StoredPart part;
  std::shared_ptr<const Snapshot> snapshot;  // the part's
};

}  // namespace knear
