// What an IvfIndex is at one moment, for the files that share it.
#pragma once

#include "knear/partition.h"
#include "partition/placement.h"
#include "storage/code_store.h"

namespace knear {

struct IvfIndex::View {
  Learned learned;
  std::shared_ptr<const Snapshot> snapshot;
};

}  // namespace knear
