// Which stream of the seed each random draw of a k-means takes.
#pragma once

#include <cstdint>

#include "core/rng.h"

namespace knear {

enum class Draw : std::uint64_t { sample, initial, projection, cell, mixture };

// Runs of nredo draw apart.
constexpr std::uint64_t stream_of(Draw draw, std::uint64_t run = 0) noexcept {
  return run << 8 | static_cast<std::uint64_t>(draw);
}

}  // namespace knear
