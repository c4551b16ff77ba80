// Files that are cut, contradict themselves, or are not what their name says.
#include <fcntl.h>
#include <unistd.h>

#include "interop/temp_folder.h"
#include "interop/vector_file.h"
#include "knear/dataset.h"

namespace knear {
namespace {

using testing::expect_error;
using testing::floats_of;
using testing::raw;
using testing::TempFolder;

constexpr std::int32_t kTwo = 2;
constexpr std::int32_t kThree = 3;

std::string npy(const std::string& header, const std::string& data, char version = 1) {
  const auto length = static_cast<std::uint32_t>(header.size());
  return "\x93NUMPY" + std::string{version, 0} + raw(length).substr(0, version == 1 ? 2 : 4) + header + data;
}

std::string npy(const std::string& descr, const std::string& shape, const std::string& data, char version) {
  return npy("{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + ", }\n", data, version);
}

std::string idx(std::uint8_t type, const std::vector<std::uint32_t>& axes, const std::string& data) {
  std::string bytes = raw(std::uint8_t{0}, std::uint8_t{0}, type, static_cast<std::uint8_t>(axes.size()));
  for (const std::uint32_t axis : axes) bytes += raw(__builtin_bswap32(axis));
  return bytes + data;
}

// Each format's file of 2 x 3 vectors.
std::vector<std::pair<std::string, std::string>> good_files() {
  const std::string fvecs_row = raw(kThree, 1.0F, 2.0F, 3.0F);
  const std::string floats(24, '\1');
  return {{"a.fvecs", fvecs_row + fvecs_row},
          {"a.bvecs", raw(kThree) + "abc" + raw(kThree) + "def"},
          {"a.ivecs", raw(kThree, 1, 2, 3) + raw(kThree, 4, 5, 6)},
          {"a.fbin", raw(kTwo, kThree) + floats},
          {"a.ibin", raw(kTwo, kThree) + floats},
          {"b.ibin", raw(kTwo, kThree) + floats + floats},
          {"a.u8bin", raw(kTwo, kThree) + "abcdef"},
          {"a.i8bin", raw(kTwo, kThree) + "abcdef"},
          {"a.npy", npy("'<f4'", "(2, 3)", floats, 1)},
          {"b.npy", npy("'<f8'", "(2, 3)", floats + floats, 2)},
          {"c.npy", npy("\"|u1\"", "(2L,3L,)", "abcdef", 3)},
          {"d.npy", npy("'<i8'", "(2, 3)", floats + floats, 1)},
          {"images-idx3-ubyte", idx(8, {2, 3, 1}, "abcdef")},
          {"a.idx", idx(9, {2, 3}, "abcdef")}};
}

// From memory of exactly that size, where a sanitizer sees a step too far.
void read_everything(const std::string& name, const std::string& bytes) {
  const std::vector<Byte> exact(bytes.begin(), bytes.end());
  const FileBytes file{.bytes = exact, .path = name};
  const auto vectors = vectors_in(file, format_of(name));
  floats_of(vectors->read(0, vectors->rows()));
  try {
    ids_in(file, format_of(name));
  } catch (const Error& error) {
    if (error.kind() != Error::wrong_type) throw;
  }
}

// Is a file of `all` bytes still a good one after `length` of them?
bool is_whole(const std::string& name, std::size_t length, std::size_t all) {
  const bool one_row = name.ends_with("vecs") && (length == 0 || length == all / 2);
  const bool ids_without_distances = name == "b.ibin" && length == 8 + 24;
  return length == all || one_row || ids_without_distances;
}

TEST(DamagedFile, IsRefusedWhereverItWasCut) {
  for (const auto& [name, bytes] : good_files())
    for (std::size_t length = 0; length <= bytes.size() + 1; ++length) {
      SCOPED_TRACE(length);
      const std::string cut = (bytes + "x").substr(0, length);
      const auto read = [&file_name = name, &cut] { read_everything(file_name, cut); };
      if (is_whole(name, length, bytes.size()))
        EXPECT_NO_THROW(read()) << name;
      else
        expect_error(Error::corrupt_file, {name}, read);
    }
}

TEST(DamagedFile, GivesAnErrorOrNumbersWhateverByteChanged) {
  for (const auto& [name, bytes] : good_files())
    for (std::size_t at = 0; at < bytes.size(); ++at)
      for (const int flip : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ flip);
        try {
          read_everything(name, damaged);
        } catch (const Error&) {  // anything else fails the test
        }
      }
}

TEST(VecsFile, NamesTheRowThatHasAnotherDimension) {
  const TempFolder folder;
  const std::string good = raw(kTwo, 1.0F, 2.0F);
  const auto path = folder.write("a.fvecs", good + good + raw(7, 1.0F, 2.0F) + good);
  const auto file = open_vectors(path);
  EXPECT_EQ(file->rows(), 4U);
  EXPECT_EQ(file->read(0, 2).rows(), 2U);
  EXPECT_EQ(file->read(3, 1).rows(), 1U);
  expect_error(Error::corrupt_file, {"row 2 of 4", "dimension 7", "row 0 has 2"}, [&] { file->read(1, 3); });
  expect_error(Error::corrupt_file, {"row 1 ", "dimension -1"},
               [&] { read_ids(folder.write("a.ivecs", raw(1, 5) + raw(-1, 5))); });
}

TEST(VecsFile, RefusesAbsurdDimensions) {
  const TempFolder folder;
  for (const std::int32_t dim : {0, -1, INT32_MIN, INT32_MAX, 1 << 20})
    expect_error(Error::corrupt_file, {"row 0", std::to_string(dim)},
                 [&] { open_vectors(folder.write("a.fvecs", raw(dim, 1.0F, 2.0F))); });
}

TEST(BinFile, RefusesCountsBeyondItsBytes) {
  const TempFolder folder;
  const auto open = [&](std::uint32_t rows, std::uint32_t dim) {
    return [=, &folder] { open_vectors(folder.write("a.fbin", raw(rows, dim, 1.0F))); };
  };
  expect_error(Error::corrupt_file, {"2 x 1 float32", "needs 8", "has 4"}, open(2, 1));
  expect_error(Error::corrupt_file, {"4294967295"}, open(0xffffffff, 0x7fffffff));
  expect_error(Error::corrupt_file, {"absurd"}, open(0x80000000, 0x80000000));  // 2^62 x 4 bytes = 0 modulo 2^64
  expect_error(Error::corrupt_file, {"dimension 0"}, open(5, 0));
  expect_error(Error::corrupt_file, {"needs 0", "has 4"}, open(0, 7));
}

TEST(BinFile, MayHoldDistancesBehindItsIds) {
  const TempFolder folder;
  const IdMatrix ids = read_ids(folder.write("a.ibin", raw(2, 1, 5, -1, 0.5F, 0.25F)));
  EXPECT_EQ(ids.ids, (std::vector<Id>{5, -1}));
}

TEST(NpyFile, IsReadAsNumPyWroteIt) {
  const TempFolder folder;
  // numpy.save of numpy.array([[1.5, -2]], '>f4'-free, C order), version 1.0 with its padding to 64 bytes
  const std::string header = "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 2), }";
  const auto path = folder.write("a.npy", npy(header + std::string(117 - header.size(), ' ') + "\n",
                                              raw(std::uint16_t{0x3e00}, std::uint16_t{0xc000})));
  const auto file = open_vectors(path);
  EXPECT_EQ(file->dtype(), DType::f16);
  EXPECT_EQ(floats_of(file->read(0, 1)), (std::vector<float>{1.5F, -2.0F}));
}

TEST(NpyFile, ConvertsOtherNumbersByBlock) {
  const TempFolder folder;
  const std::vector<float> expected = {1, -2, 3, 16777216};
  const auto values_of = [&](const std::string& descr, const std::string& data) {
    const auto file = open_vectors(folder.write("a.npy", npy(descr, "(2, 2)", data, 1)));
    EXPECT_EQ(file->dtype(), DType::f32);
    const std::vector<float> second = floats_of(file->read(1, 1));
    EXPECT_EQ(second, (std::vector<float>(expected.begin() + 2, expected.end())));
    return floats_of(file->read(0, 2));
  };
  EXPECT_EQ(values_of("'<f8'", raw(1.0, -2.0, 3.0, 16777216.0)), expected);
  EXPECT_EQ(values_of("'<i4'", raw(1, -2, 3, 16777217)), expected) << "the nearest float32";
  EXPECT_EQ(values_of("'<i8'", raw(Id{1}, Id{-2}, Id{3}, Id{16777216})), expected);
}

TEST(NpyFile, IsCopiedWhereItsNumbersAreNotAligned) {
  const TempFolder folder;
  const auto path = folder.write("a.npy", npy("{'descr':'<f4','fortran_order':False,'shape':(1,2)}", raw(1.0F, 2.0F)));
  EXPECT_EQ(floats_of(open_vectors(path)->read(0, 1)), (std::vector<float>{1, 2}));
}

TEST(NpyFile, RefusesWhatIsNoMatrixOfNumbersWithAdvice) {
  const TempFolder folder;
  const auto open = [&](const std::string& bytes) {
    return [=, &folder] { open_vectors(folder.write("a.npy", bytes)); };
  };
  expect_error(Error::unsupported, {"big-endian", "newbyteorder"}, open(npy("'>f4'", "(1, 1)", "abcd", 1)));
  expect_error(Error::unsupported, {"'|O'", "astype"}, open(npy("'|O'", "(1, 1)", "abcd", 1)));
  expect_error(Error::unsupported, {"record"}, open(npy("[('x', '<f4', (2,)), ('y', '<i4')]", "(1, 1)", "abcd", 1)));
  expect_error(Error::unsupported, {"list of 2"}, open(npy("'|u1'", "(2,)", "ab", 1)));
  expect_error(Error::unsupported, {"3 axes", "reshape"}, open(npy("'|u1'", "(1, 2, 1)", "ab", 1)));
  expect_error(Error::unsupported, {"0 axes"}, open(npy("'|u1'", "()", "a", 1)));
  expect_error(Error::unsupported, {"column", "ascontiguousarray"},
               open(npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2), }", "abcd")));
  expect_error(Error::unsupported, {"version 4.0"}, open(npy("'|u1'", "(1, 1)", "a", 4)));
}

TEST(NpyFile, RefusesHeadersThatAreNone) {
  const TempFolder folder;
  for (const char* header :
       {"", "{", "{}", "()", "{'descr'}", "{'descr': }", "{'descr': '|u1'}", "{'descr': '|u1, 'fortran_order': False}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (1, 1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1 1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999, 1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1)} x",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1, 1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1), 'more': 'x'}", "{'descr': [('x', '<f4'"})
    expect_error(Error::corrupt_file, {"header", "expected"},
                 [&] { open_vectors(folder.write("a.npy", npy(header, "a"))); });
  expect_error(Error::corrupt_file, {"header", "65535"},
               [&] { open_vectors(folder.write("a.npy", "\x93NUMPY\x01" + raw('\0', std::uint16_t{65535}) + "{}")); });
}

TEST(NpyFile, GivesListsAndUnsignedNumbersAsIds) {
  const TempFolder folder;
  const IdMatrix list = read_ids(folder.write("a.npy", npy("'<u4'", "(2,)", raw(7, 4294967295U), 1)));
  EXPECT_EQ(list.rows, 2U);
  EXPECT_EQ(list.k, 1U);
  EXPECT_EQ(list.ids, (std::vector<Id>{7, 4294967295}));
  const auto wide = folder.write("a.npy", npy("'<u8'", "(1, 2)", raw(std::uint64_t{7}, ~std::uint64_t{0}), 1));
  expect_error(Error::corrupt_file, {"entry 1 of row 0", "2^63"}, [&] { read_ids(wide); });
}

TEST(IdxFile, GivesPicturesAsRowsAndLabelsAsIds) {
  const TempFolder folder;
  const auto pictures = open_vectors(folder.write("t10k-images-idx3-ubyte", idx(8, {2, 2, 3}, "abcdefABCDEF")));
  EXPECT_EQ(pictures->rows(), 2U);
  EXPECT_EQ(pictures->dim(), 6U);
  EXPECT_EQ(pictures->dtype(), DType::u8);
  EXPECT_EQ(pictures->read(1, 1).row(0)[0], 'A');
  const IdMatrix labels = read_ids(folder.write("t10k-labels.idx1-ubyte", idx(8, {3}, "\1\2\377")));
  EXPECT_EQ(labels.ids, (std::vector<Id>{1, 2, 255}));
}

TEST(IdxFile, RefusesOtherTypesAndAbsurdAxes) {
  const TempFolder folder;
  const auto open = [&](const std::string& bytes) {
    return [=, &folder] { open_vectors(folder.write("a-ubyte", bytes)); };
  };
  expect_error(Error::unsupported, {"type 13"}, open(idx(13, {1, 1}, "abcd")));
  expect_error(Error::corrupt_file, {"zero bytes"}, open("PK\3\4abcd"));
  expect_error(Error::corrupt_file, {"no axes"}, open(idx(8, {}, "a")));
  expect_error(Error::corrupt_file, {"2^64"}, open(idx(8, std::vector<std::uint32_t>(200, 0xffffffff), "a")));
  expect_error(Error::corrupt_file, {}, open(idx(8, {0xffffffff, 0x40000000}, "a")));
}

TEST(OpenVectors, SaysWhatIsWrongWithAPath) {
  const TempFolder folder;
  expect_error(Error::io_failure, {"a.npy", "No such file"}, [&] { open_vectors(folder / "a.npy"); });
  std::filesystem::create_directory(folder / "b.npy");
  expect_error(Error::io_failure, {"b.npy"}, [&] { open_vectors(folder / "b.npy"); });
  expect_error(Error::unsupported, {"gunzip"}, [&] { open_vectors(folder / "images-idx3-ubyte.gz"); });
  expect_error(Error::unsupported, {"knear convert"}, [&] { open_vectors(folder / "sift.hdf5"); });
  expect_error(Error::unsupported, {"noname", ".fvecs", ".npy"}, [&] { open_vectors(folder / "noname"); });
  folder.write("c.bvecs", raw(1) + "a");
  expect_error(Error::invalid_argument, {"train"}, [&] { open_vectors(folder / "c.bvecs", "train"); });
  expect_error(Error::invalid_argument, {"1 rows", "no 2 from row 0"},
               [&] { open_vectors(folder / "c.bvecs")->read(0, 2); });
  expect_error(Error::invalid_argument, {}, [&] { open_vectors(folder / "c.bvecs")->read(2, SIZE_MAX); });
}

// A file with holes: `length` bytes that take no space, with a beginning and an end.
std::filesystem::path sparse_file(const std::filesystem::path& path, off_t length, const std::string& start,
                                  const std::string& end) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT, 0666);
  const bool good =
      fd >= 0 && ftruncate(fd, length) == 0 &&
      pwrite(fd, start.data(), start.size(), 0) == static_cast<ssize_t>(start.size()) &&
      pwrite(fd, end.data(), end.size(), length - static_cast<off_t>(end.size())) == static_cast<ssize_t>(end.size());
  close(fd);
  EXPECT_TRUE(good) << path;
  return path;
}

TEST(HugeFile, OpensWithoutBeingReadAndGivesItsLastRows) {
  const TempFolder folder;
  constexpr std::uint32_t rows = 10'000'000;
  const std::string last = raw(1.0F, 2.0F);
  const auto fbin = open_vectors(sparse_file(folder / "a.fbin", 8 + off_t{rows} * 128 * 4, raw(rows, 128U), last));
  EXPECT_EQ(fbin->rows(), rows);
  const std::vector<float> row = floats_of(fbin->read(rows - 1, 1));
  EXPECT_EQ(std::vector<float>(row.end() - 2, row.end()), (std::vector<float>{1, 2}));
  EXPECT_EQ(fbin->read(0, rows).rows(), rows) << "a view of all, larger than memory may be";

  const auto fvecs = open_vectors(
      sparse_file(folder / "a.fvecs", off_t{rows} * (4 + 2 * 256), raw(128), raw(128) + std::string(504, 0) + last));
  EXPECT_EQ(fvecs->rows(), rows);
  EXPECT_EQ(floats_of(fvecs->read(rows - 1, 1)).back(), 2.0F);
  expect_error(Error::corrupt_file, {"row 9999998", "dimension 0"}, [&] { fvecs->read(rows - 2, 2); });
}

}  // namespace
}  // namespace knear
