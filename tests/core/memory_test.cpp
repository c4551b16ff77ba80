#include "core/memory.h"

#include <gtest/gtest.h>

namespace knear {
namespace {

TEST(Memory, WhatAProcessMayTakeIsNoMoreThanThereIs) {
  EXPECT_GT(allowed_memory(), std::size_t{16} << 20);
  EXPECT_LE(allowed_memory(), machine_memory());
}

}  // namespace
}  // namespace knear
