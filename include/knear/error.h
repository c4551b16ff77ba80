// The one exception type that knear throws.
#pragma once

#include <stdexcept>
#include <string>

namespace knear {

// Everything that can go wrong, as a value to branch on. The message names the numbers involved.
class Error : public std::runtime_error {
 public:
  enum Kind {
    invalid_argument,  // the caller's numbers do not fit: wrong dimension, k = 0, NaN rows
    wrong_type,        // an element type that the call does not take
    wrong_state,       // not trained yet, merging an index into itself
    not_found,         // an id that the index does not hold
    duplicate_id,      // an id that the index holds already
    corrupt_file,      // the bytes of a file contradict themselves
    io_failure,        // the operating system refused: no such file, disk full
    conflict,          // another process writes the same file
    out_of_memory,     // more memory asked for than there is
    stopped,           // the stop token or the progress callback said stop
    timeout,           // the deadline of the call passed
    unsupported,       // known, but not in this build or version
  };

  Error(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  Kind kind() const noexcept { return kind_; }

 private:
  Kind kind_;
};

// The name of a kind, e.g. "corrupt_file".
const char* name_of(Error::Kind kind) noexcept;

}  // namespace knear
