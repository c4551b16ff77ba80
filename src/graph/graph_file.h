// A graph in a file: sections "graph", "graph.lowest" and "graph.upper" (docs/format.md).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "graph/links.h"
#include "io/container.h"

namespace knear {

void write_links(SectionWriter& writer, const Links& links);
// Of so many rows. Nothing is copied. Error::corrupt_file when the parts disagree.
std::shared_ptr<Links> read_links(const Container& container, const LinksForm& form, std::size_t rows);

// Which vertices a walk may reach, those behind another included. Adds to `wrong` those whose edges lead nowhere or
// repeat.
std::vector<std::uint8_t> reached_from_entry(const Links& links, std::size_t& wrong);

// Edges that lead nowhere, repeated ones and live rows that no walk can reach, in words.
std::vector<std::string> problems_of_links(const Links& links, const Snapshot& snapshot);

}  // namespace knear
