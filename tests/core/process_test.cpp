// What the thread pool does when its process forks or ends.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "core/parallel_for.h"
#include "knear/error.h"

namespace knear {
namespace {

using namespace std::chrono_literals;

#if defined(__SANITIZE_THREAD__)
constexpr bool kThreadSanitizer = true;
#elif defined(__has_feature)
constexpr bool kThreadSanitizer = __has_feature(thread_sanitizer);
#else
constexpr bool kThreadSanitizer = false;
#endif

// The sum 1 + … + 100, by the pool.
bool pool_works() {
  std::atomic<std::size_t> sum = 0;
  parallel_for(100, {.num_threads = 4}, [&](std::size_t i, std::size_t) { sum += i + 1; });
  return sum == 5050;
}

// All four tasks are under way at once, which takes threads of the child's own.
bool pool_has_threads() {
  std::atomic<int> arrived = 0;
  parallel_for(4, {.num_threads = 4}, [&](std::size_t, std::size_t) {
    ++arrived;
    for (int i = 0; arrived < 4 && i < 5000; ++i) std::this_thread::sleep_for(1ms);
  });
  return arrived == 4;
}

// The exit status of a child that ends as `body` says; -1 when it hangs or crashes.
int status_of_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);  // a hang becomes a signal
    _exit(body());
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class ProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer allows no threads after a fork";
  }
};

TEST_F(ProcessTest, AForkedChildStartsItsOwnThreads) {
  ASSERT_TRUE(pool_works());
  EXPECT_EQ(status_of_child([] { return pool_works() && pool_has_threads() ? 7 : 1; }), 7);
  EXPECT_TRUE(pool_works());
  EXPECT_TRUE(pool_has_threads());
}

TEST_F(ProcessTest, AChildOfAChildWorks) {
  ASSERT_TRUE(pool_works());
  EXPECT_EQ(status_of_child([] {
              if (!pool_works()) return 1;
              return status_of_child([] { return pool_works() && pool_has_threads() ? 7 : 1; });
            }),
            7);
}

TEST_F(ProcessTest, ForkWhileOthersSearchIsHarmless) {
  std::atomic<bool> stop = false;
  std::jthread busy([&] {
    while (!stop) pool_works();
  });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(status_of_child([] { return pool_works() ? 7 : 1; }), 7);
  stop = true;
}

TEST_F(ProcessTest, AForkInsideOfATaskGivesTheChildAnErrorAndNoHang) {
  std::atomic<int> status = -2;
  std::atomic<bool> other_started = false;
  parallel_for(2, {.num_threads = 2}, [&](std::size_t, std::size_t worker) {
    if (worker == 1) {  // at work in the parent while the caller's thread forks
      other_started = true;
      while (status == -2) std::this_thread::sleep_for(1ms);
      return;
    }
    for (int i = 0; !other_started && i < 5000; ++i) std::this_thread::sleep_for(1ms);
    if (!other_started) return;
    const auto nested = [] {
      try {
        parallel_for(8, {.num_threads = 3}, [](std::size_t, std::size_t) {});
        return 7;
      } catch (const Error&) {
        return 1;
      }
    };
    status = status_of_child(nested);
  });
  EXPECT_EQ(status, 7);
}

TEST_F(ProcessTest, ACallCutByAForkSaysSoInTheChild) {
  pid_t child = -1;
  std::atomic<bool> other_started = false;
  std::atomic<bool> forked = false;
  try {
    parallel_for(2, {.num_threads = 2}, [&](std::size_t, std::size_t worker) {
      if (worker == 1) {
        other_started = true;
        for (int i = 0; !forked && i < 5000; ++i) std::this_thread::sleep_for(1ms);
        return;
      }
      for (int i = 0; !other_started && i < 5000; ++i) std::this_thread::sleep_for(1ms);
      child = fork();
      if (child == 0) alarm(30);
      forked = true;
    });
  } catch (const Error& error) {
    if (child == 0) _exit(error.kind() == Error::wrong_state && pool_works() ? 7 : 1);
    throw;
  }
  if (child == 0) _exit(2);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST_F(ProcessTest, EndsCleanlyWithIdleThreads) {
  EXPECT_EXIT(
      {
        alarm(30);
        pool_works();
        std::exit(5);
      },
      testing::ExitedWithCode(5), "");
}

TEST_F(ProcessTest, EndsCleanlyFromInsideOfATask) {
  EXPECT_EXIT(
      {
        alarm(30);
        parallel_for(4, {.num_threads = 4}, [](std::size_t i, std::size_t) {
          std::this_thread::sleep_for(10ms);
          if (i == 1) std::exit(5);
          std::this_thread::sleep_for(1s);
        });
      },
      testing::ExitedWithCode(5), "");
}

TEST_F(ProcessTest, EndsCleanlyWhileAnotherThreadIsAtIt) {
  EXPECT_EXIT(
      {
        alarm(30);
        std::thread([] {
          for (;;) pool_works();
        }).detach();
        std::this_thread::sleep_for(50ms);
        std::exit(5);
      },
      testing::ExitedWithCode(5), "");
}

TEST_F(ProcessTest, TheThreadsLeaveSignalsToTheProgram) {
  static std::atomic<pthread_t> handler_thread;
  static std::atomic<bool> handled;
  handled = false;
  const auto before = signal(SIGUSR1, [](int) {
    handler_thread = pthread_self();
    handled = true;
  });
  pool_has_threads();  // idle threads are there
  sigset_t mask;
  sigset_t old;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &mask, &old);  // so that only a thread of the pool could take it
  kill(getpid(), SIGUSR1);
  std::this_thread::sleep_for(20ms);
  EXPECT_FALSE(handled);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  EXPECT_TRUE(handled);
  EXPECT_TRUE(pthread_equal(handler_thread, pthread_self()));
  signal(SIGUSR1, before);
}

}  // namespace
}  // namespace knear
