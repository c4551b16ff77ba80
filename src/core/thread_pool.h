// The threads behind parallel_for. Algorithms use parallel_for, not this.
#pragma once

#include <cstddef>
#include <functional>

namespace knear {

inline constexpr std::size_t kMaxThreads = 1024;  // of one call

enum class Finish {
  whole,   // every thread that began has returned
  forked,  // the process forked meanwhile; this is the child, and what other threads did is lost
};

// Runs work(0) on this thread and work(1), work(2), … on up to `threads` - 1 threads of the process-wide pool, as
// many as are free before work(0) returns; joins them. `work` must not throw. Any thread may call it, also inside
// of `work`: a thread only ever waits for threads that are at work already, so that nothing can lock up.
//
// The pool starts threads when they are first asked for and keeps them. A forked child begins with none. At the
// end of the process, or when the library is unloaded, idle threads are joined; busy ones are left to the system.
Finish run_on_threads(std::size_t threads, const std::function<void(std::size_t worker)>& work);

}  // namespace knear
