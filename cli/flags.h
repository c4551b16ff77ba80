// Checks of flags at the moment they are parsed, so that a wrong one is wrong usage and names itself.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <string>

#include "knear/error.h"

namespace knear::cli {

// Accepts what `parse` accepts; the text of its Error is what the user reads.
template <class Parse>
CLI::Validator accepted_by(Parse parse) {
  return CLI::Validator(
      [parse](const std::string& text) -> std::string {
        try {
          parse(text);
          return "";
        } catch (const Error& error) {
          return error.what();
        }
      },
      "");
}

// A whole number from 1 up.
CLI::Validator at_least_one();

// The flags that several commands spell alike.
CLI::Option* add_metric_flag(CLI::App& app, std::string& metric);
CLI::Option* add_k_flag(CLI::App& app, std::size_t& k);

}  // namespace knear::cli
