// Vectors typed or piped as text: one a line, numbers with blanks or commas between.
#pragma once

#include <iostream>
#include <memory>

#include "knear/dataset.h"

namespace knear::cli {

// Reads to the end, into memory. Empty lines and lines that start with '#' are passed over.
// Throws Error::corrupt_file that names the line: no number, or not as many as on the first.
std::unique_ptr<VectorFile> read_number_lines(std::istream& in);

}  // namespace knear::cli
