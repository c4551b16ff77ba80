#include "core/thread_pool.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <mutex>
#include <new>
#include <vector>

namespace knear {
namespace {

// One call of run_on_threads, on the caller's stack. Guarded by the pool's mutex.
struct Job {
  Job(const std::function<void(std::size_t)>& what, std::size_t helpers) : work(what), places(helpers) {}

  const std::function<void(std::size_t)>& work;
  std::size_t places;            // threads that may still join
  std::size_t joined = 0;        // those that have: workers 1 … joined
  std::size_t active = 0;        // of these, those at work
  std::condition_variable done;  // active fell to 0
};

class ThreadPool {
 public:
  Finish run(std::size_t threads, const std::function<void(std::size_t)>& work);
  void close() noexcept;

  // Forking holds the lock, so that the child finds everything in order.
  void before_fork() noexcept { mutex_.lock(); }
  void after_fork_in_parent() noexcept { mutex_.unlock(); }
  void after_fork_in_child() noexcept;

 private:
  struct Worker {
    ThreadPool* pool;
    pthread_t thread = {};
    bool busy = false;
  };

  static void* enter(void* worker) noexcept;
  void serve(Worker& self) noexcept;
  void take_part(Job& job, std::unique_lock<std::mutex>& lock) noexcept;
  void start_workers(std::size_t count) noexcept;
  bool start_worker() noexcept;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Job*> jobs_;             // those with places left, oldest first
  std::forward_list<Worker> workers_;  // their addresses stay
  std::size_t worker_count_ = 0;
  bool closed_ = false;
};

// How many forks lie between this process and the one that loaded the library.
std::atomic<std::uint64_t> fork_depth = 0;

Finish ThreadPool::run(std::size_t threads, const std::function<void(std::size_t)>& work) {
  const std::uint64_t depth = fork_depth;
  const std::size_t helpers = threads - 1;
  Job job(work, helpers);
  {
    const std::lock_guard lock(mutex_);
    if (!closed_) {
      start_workers(helpers);
      jobs_.push_back(&job);
    }
  }
  for (std::size_t i = 0; i < helpers; ++i) wake_.notify_one();
  work(0);

  std::unique_lock lock(mutex_);
  std::erase(jobs_, &job);
  if (depth != fork_depth) return job.active == 0 ? Finish::whole : Finish::forked;
  job.done.wait(lock, [&] { return job.active == 0; });
  return Finish::whole;
}

void* ThreadPool::enter(void* worker) noexcept {
  auto* self = static_cast<Worker*>(worker);
  self->pool->serve(*self);
  return nullptr;
}

void ThreadPool::serve(Worker& self) noexcept {
  const std::uint64_t depth = fork_depth;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return closed_ || !jobs_.empty(); });
    if (closed_) return;
    self.busy = true;
    take_part(*jobs_.front(), lock);
    if (depth != fork_depth) return;  // forked inside of a task: job and `self` belong to the parent
    if (closed_) return;              // still busy, as close() saw it
    self.busy = false;
  }
}

void ThreadPool::take_part(Job& job, std::unique_lock<std::mutex>& lock) noexcept {
  const std::size_t worker = ++job.joined;
  if (--job.places == 0) std::erase(jobs_, &job);
  ++job.active;
  lock.unlock();
  job.work(worker);
  lock.lock();
  if (--job.active == 0) job.done.notify_one();
}

// Sees to it that there are `count` workers. The system may refuse: the caller works in any case.
void ThreadPool::start_workers(std::size_t count) noexcept {
  if (worker_count_ >= count) return;
  // Signals are for the program's own threads, save those that a thread brings upon itself and the profiler's.
  sigset_t blocked;
  sigset_t before;
  sigfillset(&blocked);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF})
    sigdelset(&blocked, signal);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  while (worker_count_ < count && start_worker()) ++worker_count_;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

bool ThreadPool::start_worker() noexcept {
  try {
    workers_.push_front({.pool = this});
  } catch (const std::bad_alloc&) {
    return false;
  }
  Worker& worker = workers_.front();
  const bool started = pthread_create(&worker.thread, nullptr, enter, &worker) == 0;
  if (!started) workers_.pop_front();
  return started;
}

// Later calls run on their caller's thread alone.
void ThreadPool::close() noexcept {
  bool all_idle = true;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (const Worker& worker : workers_) {
      if (!worker.busy) continue;
      pthread_detach(worker.thread);
      all_idle = false;
    }
  }
  wake_.notify_all();
  for (const Worker& worker : workers_)
    if (!worker.busy) pthread_join(worker.thread, nullptr);
  if (all_idle) workers_.clear();
}

void ThreadPool::after_fork_in_child() noexcept {
  ++fork_depth;
  jobs_.clear();
  workers_.clear();
  worker_count_ = 0;
  new (&wake_) std::condition_variable;  // destroying the old one would wait for the parent's threads
  mutex_.unlock();
}

// The pool lies in storage that is never destroyed: threads may come by while the process ends. Before the
// library's constructors have run there is none, and calls run alone.
alignas(ThreadPool) std::byte storage[sizeof(ThreadPool)];
ThreadPool* pool = nullptr;

struct PoolLifetime {
  PoolLifetime() {
    pool = new (storage) ThreadPool;
    pthread_atfork([] { pool->before_fork(); }, [] { pool->after_fork_in_parent(); },
                   [] { pool->after_fork_in_child(); });
  }
  ~PoolLifetime() { pool->close(); }
};

const PoolLifetime kLifetime;

}  // namespace

Finish run_on_threads(std::size_t threads, const std::function<void(std::size_t worker)>& work) {
  if (threads > 1 && pool != nullptr) return pool->run(threads, work);
  work(0);
  return Finish::whole;
}

}  // namespace knear
