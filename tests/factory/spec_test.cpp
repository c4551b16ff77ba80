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
  for (const char* text : {"", "flat", "Flat,dtype=float8", "Flat,nprobe=3", "NSW32", "Flat,Flat", "IDMap", ",,,"}) {
    EXPECT_THROW(parse_spec(text), Error) << text;
  }
  try {
    parse_spec("Flat,nprobe=3");
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("nprobe=3"), std::string::npos);
  }
}

TEST(Spec, ChainsTransformsAndWhatRanksAgain) {
  for (const char* text :
       {"OPQ16_64,PQ16x4fs,RFlat", "PCA32,Flat", "L2norm,Flat", "RR,SQ8", "Centre,PCAWR8,RR10,Pad16,Flat",
        "PCA8,eigen_power=-0.25,Flat,dtype=float16", "Flat,Refine(PCA8,SQ8)", "Remap(1,-1,0),HR7,Flat",
        "SQ4,RFlat,k_factor=8", "PQ8x8,Refine(SQ4,RFlat,k_factor=2),k_factor=1.5"}) {
    EXPECT_EQ(parse_spec(text).str(), text);
    EXPECT_EQ(index_factory(80, text)->spec(), text);
  }
  EXPECT_EQ(parse_spec("IDMap,RR,Flat,Refine(Flat)").str(), "RR,Flat,RFlat");
  EXPECT_EQ(parse_spec("RR,Flat").transforms.size(), 1u);
}

TEST(Spec, ErrorsOfChainsPointAtTheToken) {
  const auto message_of = [](const char* text) {
    try {
      index_factory(64, text);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const std::pair<const char*, const char*> cases[] = {
      {"Flat,PCA32", "'PCA32'"},
      {"Flat,PCA32", "transforms come first"},
      {"PCA32", "names no index"},
      {"RFlat", "'RFlat'"},
      {"RFlat,Flat", "no index before it"},
      {"Flat,RFlat,RFlat", "nothing may follow"},
      {"Flat,RFlat,SQ8", "'SQ8'"},
      {"Flat,Refine(Nothing)", "'Nothing'"},
      {"Flat,Refine(SQ8", "without ')'"},
      {"Flat,Refine(SQ8)x", "end behind"},
      {"Flat,Refine()", "unknown index ''"},
      {"Flat,RFlatx", "'x'"},
      {"Flat,RFlat,k_factor=two", "k_factor=two"},
      {"Flat,RFlat,nprobe=2", "nprobe=2"},
      {"PCA65,Flat", "PCA65 of 64"},
      {"PCA32,OPQ5,Flat", "OPQ5: 32"},
      {"PCA32,PCA33,Flat", "PCA33 of 32"},
      {"RRx,Flat", "'x'"},
      {"PCA32,seed=3,Flat", "seed=3"},
      {"Remap(1;2),Flat", "not ';2)'"},
  };
  for (const auto& [text, words] : cases) {
    EXPECT_NE(message_of(text).find(words), std::string::npos) << text << ": " << message_of(text);
  }
}

TEST(Spec, DimensionsHaveLimits) {
  EXPECT_THROW(index_factory(0, "Flat"), Error);
  EXPECT_THROW(index_factory(kMaxDim + 1, "Flat"), Error);
  EXPECT_EQ(index_factory(kMaxDim, "Flat")->dim(), kMaxDim);
}

}  // namespace
}  // namespace knear
