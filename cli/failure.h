// Exit codes, and which of them an exception means.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>

namespace knear::cli {

enum class Exit {
  fine = 0,
  answer_is_no = 1,  // verify found damage
  wrong_usage = 2,   // flags that are unknown, unreadable or do not fit together
  bad_data = 3,      // a file that is missing, damaged, of another shape, or in use by another writer
  no_room = 4,       // memory or disk
  stopped = 130,     // Ctrl-C
  broken_pipe = 141  // the reader of standard output went away
};

// Flags that are each fine but do not go together.
class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What to leave with, and the one line that tells why; no line when there is nobody to read it.
struct Failure {
  Exit code;
  std::string line;
};

// Never throws for any exception that a command can let go.
Failure failure_of(const std::exception_ptr& exception);

}  // namespace knear::cli
