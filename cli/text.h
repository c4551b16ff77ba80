// Numbers and words as people like to read them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace knear::cli {

std::string grouped(std::uint64_t count);     // "1,234,567"
std::string short_count(double count);        // "1.2M"
std::string bytes_text(std::uint64_t bytes);  // "179 MiB"
std::string duration_text(double seconds);    // "1.23 s", "4.5 ms"

// The word that `typed` most likely meant, or "" when none is near: at most one edit in three letters.
std::string nearest_word(std::string_view typed, std::span<const std::string> words);

}  // namespace knear::cli
