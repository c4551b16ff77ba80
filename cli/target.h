// The files that a command is told to write.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace knear::cli {

// Accepts a file name with one of these extensions.
CLI::Validator named_like(std::vector<std::string> extensions);

// Finds out before the work whether its result can be written: the folder must exist and take files, and what is
// there already must be a regular file. Throws Error::io_failure.
void require_writable(const std::filesystem::path& path);

// Writes a text file: temporary file beside it, fsync, rename. Throws std::system_error.
void write_text_file(const std::filesystem::path& path, std::string_view text);

}  // namespace knear::cli
