// A file that is written out of sight and then takes the place of another one at once.
#pragma once

#include <filesystem>

#include "io/file.h"

namespace knear {

// Lies in the directory of its target, so that publish() is one rename. Error::io_failure.
class TempFile {
 public:
  // Where the system can make files without a name, a killed process leaves nothing.
  enum class Naming { unnamed_where_possible, always_named };

  // Has the permission bits of the target, where that exists.
  explicit TempFile(const std::filesystem::path& target, Naming naming = Naming::unnamed_where_possible);
  ~TempFile();  // removes it unless it was published
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  File& file() noexcept { return file_; }

  // Syncs it, renames it to the target and syncs the directory.
  void publish();

  // Removes what killed writers of the target left. Only while holding the target's lock.
  static void remove_abandoned(const std::filesystem::path& target) noexcept;

 private:
  bool open_unnamed();
  void open_named();
  void copy_permissions();
  std::filesystem::path target_;
  std::filesystem::path name_;  // empty while it has none
  File file_;
};

}  // namespace knear
