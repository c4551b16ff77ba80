// Any bytes as a container: an error or sections, whose every byte can be touched.
#include <cstdlib>

#include "io/container.h"
#include "knear/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace knear {
namespace {

[[maybe_unused]] volatile std::uint64_t touched;

void touch(std::span<const Byte> bytes) {
  std::uint64_t sum = 0;
  for (const Byte byte : bytes) sum += byte;
  touched = sum;
}

void read_fields(std::span<const Byte> bytes) try {
  ByteSource source(bytes, "fields");
  touched = source.u32();
  touched = source.text().size();
  touched = source.u64();
  touched = static_cast<std::uint64_t>(source.f32() != 0);
  source.done();
} catch (const Error& error) {
  if (error.kind() != Error::corrupt_file) std::abort();
}

void read_container(std::span<const Byte> bytes) try {
  const auto container = Container::from_bytes(bytes);
  for (const Section& section : container.sections()) {
    touch(section.bytes);
    read_fields(section.bytes);
    if (container.find(section.name) != &section) std::abort();
    if (reinterpret_cast<std::uintptr_t>(section.bytes.data()) % 64 != 0) std::abort();
  }
  if (!container.verify().empty()) std::abort();  // from_bytes checks everything
} catch (const Error& error) {
  if (error.kind() != Error::corrupt_file && error.kind() != Error::unsupported) std::abort();
}

}  // namespace
}  // namespace knear

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  knear::read_container({data, size});
  return 0;
}
