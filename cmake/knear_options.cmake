# What every target of the project is compiled with.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(KNEAR_CCACHE ccache)
if(KNEAR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without this permission it does not keep what uses a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${KNEAR_CCACHE})
endif()

add_library(knear_flags INTERFACE)
# -ffp-contract=off: the canonical distances round multiply and add separately on every machine.
target_compile_options(knear_flags INTERFACE -ffp-contract=off)
if(PROJECT_IS_TOP_LEVEL)
  target_compile_options(knear_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 sees overlaps in std::string that are not there (its bug 105651).
    target_compile_options(knear_flags INTERFACE -Wno-restrict)
  endif()
endif()
if(KNEAR_WERROR)
  target_compile_options(knear_flags INTERFACE -Werror)
endif()
if(KNEAR_SANITIZE)
  target_compile_options(knear_flags INTERFACE -fsanitize=${KNEAR_SANITIZE} -fno-omit-frame-pointer
                                               -fno-sanitize-recover=all)
  target_link_options(knear_flags INTERFACE -fsanitize=${KNEAR_SANITIZE})
endif()
