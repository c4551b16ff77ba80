#include "interop/file_bytes.h"

namespace knear {

FileBytes map_file(const std::filesystem::path& path) {
  const File file = File::open_to_read(path);
  if (file.file_bytes() == 0) return {.bytes = {}, .path = path};
  const auto mapped = std::make_shared<const MappedFile>(file);
  return {.bytes = mapped->bytes(), .path = path, .mapping = mapped};
}

}  // namespace knear
