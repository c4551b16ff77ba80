#include "failure.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <string_view>
#include <system_error>

#include "knear/error.h"

namespace knear::cli {
namespace {

constexpr std::array kNoRoomErrors = {ENOSPC, EDQUOT, EFBIG, ENOMEM};

bool is_lack_of_room(int error) { return std::ranges::find(kNoRoomErrors, error) != kNoRoomErrors.end(); }

// Error carries the operating system's words rather than its number.
bool tells_of_lack_of_room(std::string_view message) {
  return std::ranges::any_of(kNoRoomErrors, [&](int error) {
    return message.find(std::generic_category().message(error)) != std::string_view::npos;
  });
}

Failure of(const Error& error) {
  switch (error.kind()) {
    case Error::out_of_memory:
      return {Exit::no_room, error.what()};
    case Error::io_failure:
      return {tells_of_lack_of_room(error.what()) ? Exit::no_room : Exit::bad_data, error.what()};
    case Error::stopped:
    case Error::timeout:
      return {Exit::stopped, "stopped; no file was changed"};
    default:
      return {Exit::bad_data, error.what()};
  }
}

Failure of(const std::system_error& error) {
  if (error.code() == std::errc::broken_pipe) return {Exit::broken_pipe, ""};
  return {is_lack_of_room(error.code().value()) ? Exit::no_room : Exit::bad_data, error.what()};
}

std::string in_one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

Failure classify(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const UsageError& error) {
    return {Exit::wrong_usage, error.what()};
  } catch (const Error& error) {
    return of(error);
  } catch (const std::system_error& error) {
    return of(error);
  } catch (const std::bad_alloc&) {
    return {Exit::no_room, "out of memory"};
  } catch (const std::exception& error) {
    return {Exit::bad_data, error.what()};
  }
}

}  // namespace

Failure failure_of(const std::exception_ptr& exception) {
  Failure failure = classify(exception);
  failure.line = in_one_line(std::move(failure.line));
  return failure;
}

}  // namespace knear::cli
