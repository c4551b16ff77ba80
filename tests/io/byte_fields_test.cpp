#include "io/byte_fields.h"

#include <cmath>
#include <limits>

#include "io_testing.h"

namespace knear {
namespace {

using testing::copy_of;
using testing::expect_error;

TEST(ByteFields, ComeBackInOrder) {
  ByteSink sink;
  sink.u32(0xdeadbeef);
  sink.u64(0x0123456789abcdef);
  sink.f32(-1.5f);
  sink.text("café");
  sink.text("");
  ByteSource source(sink.bytes(), "fields");
  EXPECT_EQ(source.u32(), 0xdeadbeef);
  EXPECT_EQ(source.u64(), 0x0123456789abcdef);
  EXPECT_EQ(source.f32(), -1.5f);
  EXPECT_EQ(source.text(), "café");
  EXPECT_EQ(source.text(), "");
  source.done();
}

TEST(ByteFields, AreLittleEndianAndPacked) {
  ByteSink sink;
  sink.u32(1);
  sink.text("ab");
  const std::vector<Byte> expected = {1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 'a', 'b'};
  EXPECT_EQ(copy_of(sink.bytes()), expected);
}

TEST(ByteFields, KeepInfinityAndNan) {
  ByteSink sink;
  sink.f32(std::numeric_limits<float>::infinity());
  sink.f32(std::numeric_limits<float>::quiet_NaN());
  ByteSource source(sink.bytes(), "fields");
  EXPECT_EQ(source.f32(), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(source.f32()));
}

TEST(ByteSource, ReportsAShortSectionAtEveryLength) {
  ByteSink sink;
  sink.u32(7);
  sink.u64(8);
  sink.text("nine");
  for (std::size_t length = 0; length < sink.bytes().size(); ++length)
    expect_error(Error::corrupt_file, "section 'x' ends too early", [&] {
      ByteSource source(sink.bytes().first(length), "section 'x'");
      source.u32();
      source.u64();
      source.text();
    });
}

TEST(ByteSource, RefusesATextLongerThanTheSection) {
  ByteSink sink;
  sink.u64(std::numeric_limits<std::uint64_t>::max());
  sink.u32(0);
  expect_error(Error::corrupt_file, "18446744073709551615 bytes are wanted, 4 are left",
               [&] { ByteSource(sink.bytes(), "x").text(); });
}

TEST(ByteSource, ReportsBytesThatNobodyRead) {
  ByteSink sink;
  sink.u64(1);
  expect_error(Error::corrupt_file, "x has 8 bytes more", [&] { ByteSource(sink.bytes(), "x").done(); });
}

}  // namespace
}  // namespace knear
