#include "kernels/dispatch.h"
#include "kernels_test.h"

namespace knear::kernels {

std::span<const Table* const> tables_under_test() { return runnable_tables(); }

}  // namespace knear::kernels
