#include "knear/version.h"

#include <string>

#include "core/check.h"

namespace knear {
namespace {

const std::string kVersion = concat(kVersionMajor, '.', kVersionMinor, '.', kVersionPatch);

}  // namespace

const char* version() noexcept { return kVersion.c_str(); }

}  // namespace knear
