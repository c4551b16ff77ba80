#include "io/checksum.h"

#include "io_testing.h"

namespace knear {
namespace {

using testing::noise;

// Values of XXH3_64bits with seed 0, as its own tools give them.
TEST(Checksum, IsXxh3) {
  EXPECT_EQ(checksum_of({}), 0x2d06800538d394c2u);
  EXPECT_EQ(checksum_of(testing::bytes_of_text("knear")), 0xd7f3d55c068fc9b5u);
}

TEST(Checksum, DoesNotDependOnHowTheBytesAreCut) {
  const auto bytes = noise(100'000, 1);
  const auto whole = checksum_of(bytes);
  for (const std::size_t piece : {1u, 7u, 64u, 255u, 256u, 1024u, 65'537u}) {
    Checksum checksum;
    for (std::size_t i = 0; i < bytes.size(); i += piece)
      checksum.update(std::span(bytes).subspan(i, std::min<std::size_t>(piece, bytes.size() - i)));
    EXPECT_EQ(checksum.value(), whole) << piece;
  }
}

TEST(Checksum, StartsAgainAfterReset) {
  Checksum checksum;
  checksum.update(noise(1000, 1));
  checksum.reset();
  EXPECT_EQ(checksum.value(), checksum_of({}));
}

}  // namespace
}  // namespace knear
