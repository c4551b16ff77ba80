// What is written is read again: all formats and element types, strided and empty inputs, ids.
#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <limits>

#include "interop/temp_folder.h"
#include "knear/dataset.h"

namespace knear {
namespace {

using testing::bytes_of_file;
using testing::expect_error;
using testing::floats_of;
using testing::TempFolder;

// Any bytes, one number in each, apart by `stride`; NaN patterns included.
std::vector<Byte> some_bytes(std::size_t count) {
  std::vector<Byte> bytes(count);
  std::uint32_t state = 1;
  for (Byte& byte : bytes) byte = static_cast<Byte>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

bool same_rows(MatrixView a, MatrixView b) {
  if (a.rows() != b.rows() || a.dim() != b.dim() || a.dtype() != b.dtype()) return false;
  for (std::size_t i = 0; i < a.rows(); ++i)
    if (std::memcmp(a.row(i), b.row(i), a.dim() * bytes_of(a.dtype())) != 0) return false;
  return true;
}

void write_vectors(const std::filesystem::path& path, MatrixView rows) {
  const auto writer = create_vectors(path, rows.dim(), rows.dtype());
  writer->append(rows);
  writer->finish();
}

struct Case {
  std::string suffix;
  DType dtype;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.suffix << ' ' << name_of(c.dtype); }

class RoundTrip : public ::testing::TestWithParam<Case> {
 protected:
  TempFolder folder_;
};

TEST_P(RoundTrip, GivesTheSameBytesForAnyShape) {
  const auto [suffix, dtype] = GetParam();
  for (const std::size_t rows : {1U, 2U, 3U, 100U})
    for (const std::size_t dim : {1U, 2U, 3U, 7U, 128U}) {
      const std::vector<Byte> bytes = some_bytes(rows * dim * bytes_of(dtype));
      const MatrixView written(bytes.data(), dtype, rows, dim);
      write_vectors(folder_ / ("a" + suffix), written);
      const auto file = open_vectors(folder_ / ("a" + suffix));
      EXPECT_EQ(file->dtype(), dtype);
      EXPECT_TRUE(same_rows(file->read(0, rows), written)) << rows << " x " << dim;
      EXPECT_TRUE(same_rows(file->read(rows - 1, 1), written.slice(rows - 1, 1)));
    }
}

TEST_P(RoundTrip, TakesRowsThatLieApartOrBackwards) {
  const auto [suffix, dtype] = GetParam();
  const std::vector<Byte> bytes = some_bytes(5 * 24);
  const MatrixView backwards(bytes.data() + 4 * 24, dtype, 5, 3, -24);
  write_vectors(folder_ / ("a" + suffix), backwards);
  EXPECT_TRUE(same_rows(open_vectors(folder_ / ("a" + suffix))->read(0, 5), backwards));
}

TEST_P(RoundTrip, IsTheSameInOneBlockOrMany) {
  const auto [suffix, dtype] = GetParam();
  const std::vector<Byte> bytes = some_bytes(10 * 6 * bytes_of(dtype));
  const MatrixView rows(bytes.data(), dtype, 10, 6);
  write_vectors(folder_ / ("once" + suffix), rows);
  const auto writer = create_vectors(folder_ / ("often" + suffix), 6, dtype);
  writer->append(rows.slice(0, 0));
  for (std::size_t i = 0; i < 10; i += 2) writer->append(rows.slice(i, 2));
  EXPECT_EQ(folder_.files(), 2U) << "the first file and a temporary one";
  writer->finish();
  EXPECT_EQ(bytes_of_file(folder_ / ("often" + suffix)), bytes_of_file(folder_ / ("once" + suffix)));
}

TEST_P(RoundTrip, HoldsNoRowsToo) {
  const auto [suffix, dtype] = GetParam();
  create_vectors(folder_ / ("a" + suffix), 9, dtype)->finish();
  const auto file = open_vectors(folder_ / ("a" + suffix));
  EXPECT_EQ(file->rows(), 0U);
  EXPECT_EQ(file->dtype(), dtype);
  const bool rows_say_the_dimension = suffix.ends_with("vecs") || suffix.ends_with("VECS");
  EXPECT_EQ(file->dim(), rows_say_the_dimension ? 0U : 9U);
  EXPECT_EQ(file->read(0, 0).rows(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Formats, RoundTrip,
                         ::testing::Values(Case{".fvecs", DType::f32}, Case{".bvecs", DType::u8},
                                           Case{".npy", DType::f32}, Case{".npy", DType::f16}, Case{".npy", DType::i8},
                                           Case{".npy", DType::u8}, Case{".fbin", DType::f32},
                                           Case{".u8bin", DType::u8}, Case{".i8bin", DType::i8},
                                           Case{".FVECS", DType::f32}));

TEST(VectorFileWriter, LeavesNothingBehindUnlessFinished) {
  const TempFolder folder;
  const std::vector<float> row = {1, 2, 3};
  create_vectors(folder / "a.npy", 3, DType::f32)->append(MatrixView(row, 3));
  EXPECT_EQ(folder.files(), 0U);
}

TEST(VectorFileWriter, KeepsTheOldFileUntilFinished) {
  const TempFolder folder;
  const std::vector<float> row = {1, 2, 3};
  write_vectors(folder / "a.npy", MatrixView(row, 3));
  const std::string before = bytes_of_file(folder / "a.npy");
  const auto old = open_vectors(folder / "a.npy");
  const auto writer = create_vectors(folder / "a.npy", 1, DType::f32);
  writer->append(MatrixView(row, 1));
  EXPECT_EQ(bytes_of_file(folder / "a.npy"), before);
  writer->finish();
  EXPECT_EQ(open_vectors(folder / "a.npy")->rows(), 3U);
  EXPECT_EQ(floats_of(old->read(0, 1)), row) << "an open file stays what it was";
  expect_error(Error::wrong_state, {"finished"}, [&] { writer->append(MatrixView(row, 1)); });
}

TEST(VectorFileWriter, WidensOtherTypesToFloats) {
  const TempFolder folder;
  const std::vector<std::int8_t> row = {-128, 0, 127};
  const auto writer = create_vectors(folder / "a.fvecs", 3, DType::f32);
  writer->append(MatrixView(row.data(), DType::i8, 1, 3));
  writer->finish();
  EXPECT_EQ(floats_of(open_vectors(folder / "a.fvecs")->read(0, 1)), (std::vector<float>{-128, 0, 127}));
}

TEST(VectorFileWriter, RefusesWhatTheFileCannotHold) {
  const TempFolder folder;
  const auto create = [&](const char* name, std::size_t dim, DType dtype) {
    return [=, &folder] { create_vectors(folder / name, dim, dtype); };
  };
  expect_error(Error::wrong_type, {".fvecs", "float32", "uint8"}, create("a.fvecs", 3, DType::u8));
  expect_error(Error::wrong_type, {".ivecs", "int32"}, create("a.ivecs", 3, DType::f32));
  expect_error(Error::wrong_type, {"bfloat16"}, create("a.npy", 3, DType::bf16));
  expect_error(Error::unsupported, {".fvecs", ".npy"}, create("a.txt", 3, DType::f32));
  expect_error(Error::unsupported, {"read, not written"}, create("a-idx3-ubyte", 3, DType::u8));
  expect_error(Error::invalid_argument, {"dimension"}, create("a.npy", 0, DType::u8));
  expect_error(Error::invalid_argument, {"2147483648"}, create("a.fvecs", std::size_t{1} << 31, DType::f32));
  expect_error(Error::invalid_argument, {"4294967296"}, create("a.fbin", std::size_t{1} << 32, DType::f32));
  expect_error(Error::io_failure, {"nowhere"}, create("nowhere/a.npy", 3, DType::f32));
  const std::vector<float> row = {1, 2, 3};
  const auto writer = create_vectors(folder / "a.u8bin", 3, DType::u8);
  expect_error(Error::wrong_type, {"uint8", "float32"}, [&] { writer->append(MatrixView(row, 3)); });
  expect_error(Error::invalid_argument, {"3", "1"}, [&] { writer->append(MatrixView(row, 1)); });
}

TEST(VectorFileWriter, SurvivesAFullDisk) {
  const TempFolder folder;
  const std::vector<float> rows(1 << 20);
  rlimit before = {};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1 << 20, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  {
    const auto writer = create_vectors(folder / "a.npy", 1 << 10, DType::f32);
    expect_error(Error::io_failure, {"a.npy", "too large"}, [&] { writer->append(MatrixView(rows, 1 << 10)); });
    expect_error(Error::wrong_state, {"earlier write"}, [&] { writer->finish(); });
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(folder.files(), 0U);
}

TEST(Ids, ComeBackFromEveryFormat) {
  const TempFolder folder;
  const IdMatrix ids{.rows = 2, .k = 3, .ids = {0, -1, 7, 2147483647, -2147483648, 5}};
  for (const char* name : {"a.ivecs", "a.ibin", "a.npy"}) {
    write_ids(folder / name, ids);
    const IdMatrix read = read_ids(folder / name);
    EXPECT_EQ(read.rows, 2U) << name;
    EXPECT_EQ(read.k, 3U) << name;
    EXPECT_EQ(read.ids, ids.ids) << name;
  }
}

TEST(Ids, NeedSixtyFourBitsBeyondTwoBillion) {
  const TempFolder folder;
  constexpr Id large = Id{1} << 53;
  const IdMatrix ids{.rows = 1, .k = 2, .ids = {large + 1, std::numeric_limits<Id>::min()}};
  write_ids(folder / "a.npy", ids);
  EXPECT_EQ(read_ids(folder / "a.npy").ids, ids.ids);
  for (const char* name : {"a.ivecs", "a.ibin"})
    expect_error(Error::invalid_argument, {"9007199254740993", ".npy"}, [&] { write_ids(folder / name, ids); });
  expect_error(Error::wrong_type, {"float32", "int64"}, [&] { write_ids(folder / "a.fvecs", ids); });
  expect_error(Error::invalid_argument, {"3", "2"}, [&] {
    write_ids(folder / "a.npy", {.rows = 1, .k = 3, .ids = {1, 2}});
  });
  EXPECT_EQ(folder.files(), 1U);
}

TEST(Ids, AreNotReadFromFilesOfOtherNumbers) {
  const TempFolder folder;
  const std::vector<float> row = {1, 2, 3};
  write_vectors(folder / "a.npy", MatrixView(row, 3));
  expect_error(Error::wrong_type, {"float32"}, [&] { read_ids(folder / "a.npy"); });
}

}  // namespace
}  // namespace knear
