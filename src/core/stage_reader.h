// Reads one stage of a factory string, left to right.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "knear/spec.h"

namespace knear {

// The rows of a registry try a stage one after the other: word() tells whether it is theirs.
class StageReader {
 public:
  explicit StageReader(const Stage& stage);

  // Is `word` next? Then goes past it.
  bool word(std::string_view word);
  // The number that is next, if there is one. Error::invalid_argument when it is too large to count with.
  std::optional<std::size_t> number();
  // The same; Error::invalid_argument, which says what is missing, when there is none.
  std::size_t number(std::string_view what);
  bool at_end() const noexcept { return rest_.empty(); }
  std::string_view rest() const noexcept { return rest_; }

  // The option's value, if it is given; `key` counts as known.
  std::optional<std::string> option(std::string_view key);
  // The same as a whole number; as a finite one; as one of `names`, by its position.
  std::optional<std::size_t> number_option(std::string_view key);
  std::optional<float> real_option(std::string_view key);
  std::optional<std::size_t> choice_option(std::string_view key, std::initializer_list<std::string_view> names);

  // Error::invalid_argument when something was not read: text behind the token, or an option nobody asked for.
  void done() const;

 private:
  const Stage& stage_;
  std::string_view rest_;
  std::vector<std::string> known_;  // options asked for
};

// What the first row of a registry that knows the stage makes of it; null when none does.
template <class Row>
auto read_by(std::span<const Row> rows, const Stage& stage) {
  for (const Row& row : rows) {
    StageReader reader(stage);
    if (auto make = row.read(reader)) return make;
  }
  return decltype(rows.front().read(std::declval<StageReader&>()))(nullptr);
}

}  // namespace knear
