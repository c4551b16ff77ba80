#include "target.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "knear/error.h"

namespace knear::cli {
namespace {

[[noreturn]] void fail_to_write(const std::filesystem::path& path, int error) {
  throw std::system_error(error, std::generic_category(), "cannot write " + path.string());
}

void write_all(int file, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_to_write(path, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

CLI::Validator named_like(std::vector<std::string> extensions) {
  return CLI::Validator(
      [extensions = std::move(extensions)](const std::string& name) -> std::string {
        if (std::ranges::find(extensions, std::filesystem::path(name).extension().string()) != extensions.end())
          return "";
        return fmt::format("'{}' must end in {}", name, fmt::join(extensions, ", "));
      },
      "");
}

void require_writable(const std::filesystem::path& path) {
  const auto status = std::filesystem::status(path);
  if (exists(status) && !is_regular_file(status)) {
    throw Error(Error::io_failure, fmt::format("cannot write {}: it is there and is no regular file", path.string()));
  }
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    throw Error(Error::io_failure,
                fmt::format("cannot write into {}: {}", folder.string(), std::generic_category().message(errno)));
  }
}

void write_text_file(const std::filesystem::path& path, std::string_view text) {
  const std::string temporary = fmt::format("{}.{}.tmp", path.string(), ::getpid());
  const int file = ::open(temporary.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  if (file < 0) fail_to_write(path, errno);
  try {
    write_all(file, text, path);
    if (::fsync(file) != 0) fail_to_write(path, errno);
    if (::close(file) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) fail_to_write(path, errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

}  // namespace knear::cli
