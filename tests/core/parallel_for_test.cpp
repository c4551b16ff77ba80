#include "core/parallel_for.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/call_limits.h"
#include "expect_error.h"

namespace knear {
namespace {

using namespace std::chrono_literals;

TEST(ParallelFor, RunsEveryTaskOnce) {
  for (const std::size_t threads : {1u, 2u, 3u, 8u, 40u})
    for (const std::size_t tasks : {0u, 1u, 2u, 7u, 1000u}) {
      std::vector<std::atomic<int>> runs(tasks);
      parallel_for(tasks, {.num_threads = threads}, [&](std::size_t i, std::size_t) { ++runs[i]; });
      for (const auto& count : runs) ASSERT_EQ(count, 1);
    }
}

TEST(ParallelFor, GivesEachWorkerOneTaskAtATime) {
  const RunOptions options{.num_threads = 5};
  const std::size_t workers = threads_for(options, 2000);
  EXPECT_EQ(workers, 5u);
  std::vector<long> scratch(workers);  // not atomic: ThreadSanitizer would see two tasks in one place
  parallel_for(2000, options, [&](std::size_t, std::size_t worker) { ++scratch.at(worker); });
  long sum = 0;
  for (const long count : scratch) sum += count;
  EXPECT_EQ(sum, 2000);
}

TEST(ParallelFor, UsesMoreThreadsThanThereAreCpusWhenAsked) {
  // All four tasks must be under way at once for any to end.
  std::atomic<int> arrived = 0;
  parallel_for(4, {.num_threads = 4}, [&](std::size_t, std::size_t) {
    ++arrived;
    for (int i = 0; arrived < 4 && i < 10'000; ++i) std::this_thread::sleep_for(1ms);
  });
  EXPECT_EQ(arrived, 4);
}

TEST(ParallelFor, StaysOnTheCallersThreadWithOneThread) {
  const auto caller = std::this_thread::get_id();
  std::vector<std::size_t> order;
  parallel_for(50, {.num_threads = 1}, [&](std::size_t i, std::size_t worker) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(worker, 0u);
    order.push_back(i);
  });
  for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], i);
}

TEST(ParallelFor, TakesItsThreadCountFromTheProcessUnlessItIsGiven) {
  set_num_threads(3);
  EXPECT_EQ(threads_for({}, 100), 3u);
  EXPECT_EQ(threads_for({}, 2), 2u);
  EXPECT_EQ(threads_for({}, 0), 1u);
  EXPECT_EQ(threads_for({.num_threads = 6}, 100), 6u);
  EXPECT_LE(threads_for({.num_threads = 1'000'000'000}, 1'000'000'000), 1024u);
  set_num_threads(0);
}

TEST(ParallelFor, Nests) {
  std::atomic<int> runs = 0;
  parallel_for(6, {.num_threads = 3}, [&](std::size_t, std::size_t) {
    parallel_for(5, {.num_threads = 4}, [&](std::size_t, std::size_t) {
      parallel_for(4, {.num_threads = 2}, [&](std::size_t, std::size_t) { ++runs; });
    });
  });
  EXPECT_EQ(runs, 6 * 5 * 4);
}

TEST(ParallelFor, ServesManyUserThreadsAtOnce) {
  std::atomic<int> runs = 0;
  {
    std::vector<std::jthread> users;
    for (std::size_t user = 0; user < 8; ++user)
      users.emplace_back([&, user] {
        for (int call = 0; call < 50; ++call)
          parallel_for(20, {.num_threads = 1 + user % 4}, [&](std::size_t i, std::size_t) {
            if (i % 10 == 0) parallel_for(3, {.num_threads = 3}, [&](std::size_t, std::size_t) { ++runs; });
            ++runs;
          });
      });
  }
  EXPECT_EQ(runs, 8 * 50 * (20 + 2 * 3));
}

TEST(ParallelFor, CarriesTheExceptionOfTheLowestTaskHome) {
  for (const std::size_t threads : {1u, 2u, 8u})
    for (int repeat = 0; repeat < 50; ++repeat) {
      try {
        parallel_for(100, {.num_threads = threads}, [](std::size_t i, std::size_t) {
          if (i >= 3 && i % 2 == 1) throw std::out_of_range(std::to_string(i));
        });
        FAIL() << "nothing thrown";
      } catch (const std::out_of_range& error) {
        ASSERT_STREQ(error.what(), "3");
      }
    }
}

TEST(ParallelFor, BeginsNoTaskAfterAnException) {
  std::atomic<int> runs = 0;
  EXPECT_THROW(parallel_for(1'000'000, {.num_threads = 2},
                            [&](std::size_t, std::size_t) {
                              ++runs;
                              throw std::runtime_error("no");
                            }),
               std::runtime_error);
  EXPECT_LE(runs, 2);
}

TEST(ParallelFor, CarriesExceptionsOutOfNestedCalls) {
  EXPECT_THROW(parallel_for(4, {.num_threads = 2},
                            [](std::size_t, std::size_t) {
                              parallel_for(4, {.num_threads = 2},
                                           [](std::size_t, std::size_t) { throw std::runtime_error("inner"); });
                            }),
               std::runtime_error);
}

TEST(ParallelFor, StopsOnRequest) {
  for (const std::size_t threads : {1u, 4u}) {
    std::stop_source source;
    std::atomic<std::size_t> runs = 0;
    const RunOptions options{.num_threads = threads, .stop = source.get_token()};
    expect_error(Error::stopped, "request", [&] {
      parallel_for(1'000'000, options, [&](std::size_t, std::size_t) {
        if (++runs == 10) source.request_stop();
      });
    });
    EXPECT_LT(runs, 10 + 1000u);
    expect_error(Error::stopped, "request",
                 [&] { parallel_for(1, options, [&](std::size_t, std::size_t) { ++runs; }); });
  }
}

TEST(ParallelFor, IsDoneWhenTheStopComesInTheLastTask) {
  std::stop_source source;
  std::size_t runs = 0;
  parallel_for(3, {.num_threads = 1, .stop = source.get_token()}, [&](std::size_t i, std::size_t) {
    ++runs;
    if (i == 2) source.request_stop();
  });
  EXPECT_EQ(runs, 3u);
}

TEST(ParallelFor, EndsAtItsDeadline) {
  for (const std::size_t threads : {1u, 4u})
    expect_error(Error::timeout, "0.02 s", [&] {
      parallel_for(1'000'000, {.num_threads = threads, .timeout = 20ms},
                   [](std::size_t, std::size_t) { std::this_thread::sleep_for(1ms); });
    });
}

TEST(ParallelFor, TakesAnEndlessTimeoutForNone) {
  std::size_t runs = 0;
  parallel_for(2, {.num_threads = 1, .timeout = std::chrono::steady_clock::duration::max()},
               [&](std::size_t, std::size_t) { ++runs; });
  EXPECT_EQ(runs, 2u);
}

TEST(CallLimits, LeaveTheRestOfTheTimeToLaterSteps) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(remaining({}, start).timeout, 0s);
  const auto rest = remaining({.timeout = 100s}, start - 40s).timeout;
  EXPECT_LE(rest, 60s);
  EXPECT_GT(rest, 50s);
  const CallLimits late(remaining({.timeout = 10s}, start - 40s));
  std::this_thread::sleep_for(1ms);
  EXPECT_TRUE(late.reached());
  expect_error(Error::timeout, "s it was given", [&] { late.check(); });
}

}  // namespace
}  // namespace knear
