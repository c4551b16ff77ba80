// A graph without the rows that were removed.
#pragma once

#include <memory>

#include "graph/links.h"
#include "knear/codec.h"
#include "knear/parallel.h"

namespace knear {

// Over the live rows of the snapshot, numbered as they come. Where an edge led to a removed row, its vertex gets edges
// chosen from the ones behind that row, too; a row that nothing leads to any more gets an edge from one near to it.
std::shared_ptr<Links> live_links(const Codec& codec, const Snapshot& snapshot, const Links& links,
                                  const RunOptions& run);

}  // namespace knear
