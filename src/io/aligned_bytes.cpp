#include "io/aligned_bytes.h"

#include <new>

#include "core/check.h"

namespace knear {

std::shared_ptr<Byte> make_aligned_bytes(std::size_t count) {
  constexpr std::align_val_t kAlignment{64};
  void* memory = ::operator new(count, kAlignment, std::nothrow);
  if (memory == nullptr) fail(Error::out_of_memory, "no memory for ", count, " bytes");
  return {static_cast<Byte*>(memory), [](Byte* start) { ::operator delete(start, kAlignment); }};
}

}  // namespace knear
