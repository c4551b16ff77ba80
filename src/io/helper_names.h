// The names of the files that stand beside a file while it is written (docs/format.md, "How a file is written").
#pragma once

#include <filesystem>
#include <string_view>

namespace knear {

// dir/.name.knear-lock
std::filesystem::path lock_path_of(const std::filesystem::path& target);

// dir/.name.XXXXXXXXXXXXXXXX.knear-tmp with 16 random hexadecimal digits, another one at each call.
std::filesystem::path make_temp_path(const std::filesystem::path& target);

// Is `filename` one that make_temp_path(target) makes?
bool is_temp_name_of(const std::filesystem::path& target, std::string_view filename);

}  // namespace knear
