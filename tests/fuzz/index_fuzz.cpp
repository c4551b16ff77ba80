// Any bytes as an index: an error or an index that can be searched and changed.
#include <cstdlib>
#include <vector>

#include "knear/error.h"
#include "knear/index.h"
#include "knear/io.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace knear {
namespace {

// Errors that damage may end in once an index was made: those of the caller's fault, too, for instance for an id
// that the file has twice. Never those of the system.
bool is_fine(Error::Kind kind) { return kind != Error::io_failure && kind != Error::out_of_memory; }

void use(Index& index) try {
  const std::vector<float> query(index.dim(), 0.5f);
  const MatrixView queries(query, index.dim());
  const Neighbors found = index.search(queries, 3);
  if (found.counts.at(0) > index.size()) std::abort();
  index.range_search(queries, 1.0f);
  const auto ids = index.ids();
  if (ids.size() != index.size()) std::abort();
  if (!ids.empty()) index.get(std::span(ids).first(1));
  index.stats();
  if (index.size() < 1000) to_bytes(index);
  index.remove(ids);
  index.add(queries);
  index.search(queries, 3);
} catch (const Error& error) {
  if (!is_fine(error.kind())) std::abort();
}

void read_index(std::span<const Byte> bytes) try {
  const auto index = from_bytes(bytes);
  index->verify();
  use(*index);
} catch (const Error& error) {
  if (error.kind() != Error::corrupt_file && error.kind() != Error::unsupported) std::abort();
}

}  // namespace
}  // namespace knear

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  knear::read_index({data, size});
  return 0;
}
