// Asserts on the errors of the library: their kind and the words that their message must hold.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "knear/error.h"

namespace knear {

template <class Call>
void expect_error(Error::Kind kind, const std::string& words, Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what() << " lacks: " << words;
    return;
  }
  ADD_FAILURE() << "nothing thrown, expected " << name_of(kind) << ": " << words;
}

}  // namespace knear
