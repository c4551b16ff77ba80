#include "knear/spec.h"

#include <gtest/gtest.h>

namespace knear {
namespace {

TEST(Spec, ReadsWhatItWrites) {
  for (const char* text :
       {"Flat", "Flat,dtype=float16", "Flat,dtype=bfloat16", "Flat,dtype=int8", "Flat,dtype=uint8"}) {
    EXPECT_EQ(parse_spec(text).str(), text);
    EXPECT_EQ(index_factory(5, text)->spec(), text);
  }
  EXPECT_EQ(index_factory(5, "Flat,dtype=float32")->spec(), "Flat");
  EXPECT_EQ(parse_spec(" IDMap2 , Flat ").str(), "Flat");
}

TEST(Spec, ErrorsQuoteTheToken) {
  for (const char* text : {"", "flat", "Flat,dtype=float8", "Flat,nprobe=3", "HNSW32", "Flat,Flat", "IDMap", ",,,"}) {
    EXPECT_THROW(parse_spec(text), Error) << text;
  }
  try {
    parse_spec("Flat,nprobe=3");
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("nprobe=3"), std::string::npos);
  }
}

TEST(Spec, DimensionsHaveLimits) {
  EXPECT_THROW(index_factory(0, "Flat"), Error);
  EXPECT_THROW(index_factory(kMaxDim + 1, "Flat"), Error);
  EXPECT_EQ(index_factory(kMaxDim, "Flat")->dim(), kMaxDim);
}

}  // namespace
}  // namespace knear
