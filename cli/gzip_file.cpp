#include "gzip_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "knear/error.h"

namespace knear::cli {
namespace {

// A folder of our own, removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "knear-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), name);
    path_ = name;
  }
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class GzipFile : public VectorFile {
 public:
  GzipFile(TemporaryFolder folder, std::unique_ptr<VectorFile> file)
      : folder_(std::move(folder)), file_(std::move(file)) {}

  std::size_t rows() const noexcept override { return file_->rows(); }
  std::size_t dim() const noexcept override { return file_->dim(); }
  DType dtype() const noexcept override { return file_->dtype(); }
  MatrixView read(std::size_t first, std::size_t count) override { return file_->read(first, count); }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<VectorFile> file_;
};

void write_all(std::ofstream& out, const std::filesystem::path& path, const std::vector<char>& bytes, std::size_t n) {
  if (!out.write(bytes.data(), static_cast<std::streamsize>(n))) {
    throw std::system_error(errno, std::generic_category(), "unpacking to " + path.string());
  }
}

void unpack(const std::filesystem::path& packed, const std::filesystem::path& unpacked, const Session& session) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> in(gzopen(packed.c_str(), "rb"), gzclose);
  if (!in) throw Error(Error::io_failure, std::system_error(errno, std::generic_category(), packed.string()).what());
  std::ofstream out(unpacked, std::ios::binary);
  std::vector<char> bytes(std::size_t{1} << 20);
  int count = 0;
  while ((count = gzread(in.get(), bytes.data(), static_cast<unsigned>(bytes.size()))) > 0) {
    session.stop_if_asked();
    write_all(out, unpacked, bytes, static_cast<std::size_t>(count));
  }
  int code = Z_OK;
  const char* message = gzerror(in.get(), &code);
  // zlib calls a file that ends early Z_BUF_ERROR, and leaves count at 0.
  if (code != Z_OK && code != Z_STREAM_END) {
    throw Error(Error::corrupt_file, fmt::format("{}: cannot be unpacked: {}", packed.string(), message));
  }
  out.close();
  if (!out) throw std::system_error(errno, std::generic_category(), "unpacking to " + unpacked.string());
}

}  // namespace

std::unique_ptr<VectorFile> open_gzip(const std::filesystem::path& path, const Session& session) {
  TemporaryFolder folder;
  const std::filesystem::path unpacked = folder.path() / path.stem();
  unpack(path, unpacked, session);
  auto file = open_vectors(unpacked);
  return std::make_unique<GzipFile>(std::move(folder), std::move(file));
}

}  // namespace knear::cli
