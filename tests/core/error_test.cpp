#include "knear/error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "core/check.h"
#include "expect_error.h"
#include "knear/version.h"

namespace knear {
namespace {

TEST(Error, HasANameForEveryKind) {
  std::set<std::string> names;
  for (int kind = Error::invalid_argument; kind <= Error::unsupported; ++kind)
    names.insert(name_of(static_cast<Error::Kind>(kind)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Error::unsupported) + 1);
  EXPECT_EQ(names.count("unknown"), 0u);
}

TEST(Error, NamesTheNumbers) {
  require(true, "never seen");
  expect_error(Error::invalid_argument, "3 ids for 5 rows", [] { require(false, 3, " ids for ", 5, " rows"); });
  expect_error(Error::corrupt_file, "byte 12", [] { fail(Error::corrupt_file, "byte ", 12); });
}

TEST(Version, AgreesWithTheHeaders) {
  EXPECT_EQ(version(), concat(kVersionMajor, ".", kVersionMinor, ".", kVersionPatch));
}

}  // namespace
}  // namespace knear
