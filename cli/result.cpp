#include "result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <system_error>

namespace knear::cli {

void Result::add(std::string key, Json value, std::string label, std::string text) {
  add_json(std::move(key), std::move(value));
  add_line(std::move(label), std::move(text));
}

std::string Result::str(Format format) const {
  // Names of files and users' facts may be no UTF-8: shown with a replacement rather than refused.
  if (format == Format::json) return json_.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::size_t width = 0;
  for (const auto& [label, text] : lines_) width = std::max(width, label.size());
  fmt::memory_buffer out;
  for (const auto& [label, text] : lines_) fmt::format_to(std::back_inserter(out), "{:<{}}  {}\n", label, width, text);
  return fmt::to_string(out);
}

void write_stdout(std::string_view text) {
  const std::size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
  if (written != text.size() || std::fflush(stdout) != 0) {
    throw std::system_error(errno, std::generic_category(), "standard output");
  }
}

}  // namespace knear::cli
