#include "io/checksum.h"

// Everything of xxHash is inlined here: the library exports none of its names and needs none at run time.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace knear {

struct Checksum::State {
  XXH3_state_t hash;
};

std::uint64_t checksum_of(std::span<const Byte> bytes) noexcept { return XXH3_64bits(bytes.data(), bytes.size()); }

Checksum::Checksum() : state_(std::make_unique<State>()) { reset(); }

Checksum::~Checksum() = default;

void Checksum::update(std::span<const Byte> bytes) noexcept {
  if (!bytes.empty()) XXH3_64bits_update(&state_->hash, bytes.data(), bytes.size());
}

std::uint64_t Checksum::value() const noexcept { return XXH3_64bits_digest(&state_->hash); }

void Checksum::reset() noexcept { XXH3_64bits_reset(&state_->hash); }

}  // namespace knear
