#include "session.h"

#include "knear/error.h"

namespace knear::cli {

void Session::stop_if_asked() const {
  if (stop_.stop_requested()) throw Error(Error::stopped, "stopped");
}

void Session::print(const Result& result) {
  print(result.str(flags_.json ? Result::Format::json : Result::Format::text));
}

void Session::print(std::string_view text) {
  bar_.clear();
  write_stdout(text);
}

}  // namespace knear::cli
