#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "core/parallel_for.h"
#include "expect_error.h"

namespace knear {
namespace {

using namespace std::chrono_literals;

// Works for about 0.4 s on four threads, one unit at a time.
void work(ProgressMeter& meter, const RunOptions& options) {
  parallel_for(400, options, [&](std::size_t, std::size_t) {
    std::this_thread::sleep_for(4ms);
    meter.advance(1);
  });
}

TEST(ProgressMeter, ReportsNowAndThenAndAtTheEnd) {
  std::vector<Progress> reports;
  std::atomic<int> inside = 0;
  const RunOptions options{.num_threads = 4, .progress = [&](const Progress& progress) {
                             EXPECT_EQ(++inside, 1);  // never two at once
                             EXPECT_EQ(progress.phase, "add");
                             reports.push_back(progress);
                             --inside;
                             return true;
                           }};
  ProgressMeter meter(options, "add", 400);
  const auto start = std::chrono::steady_clock::now();
  work(meter, options);
  meter.finish();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ASSERT_GE(reports.size(), 3u);
  EXPECT_LE(static_cast<double>(reports.size()), 10 * seconds + 2);
  for (std::size_t i = 1; i < reports.size(); ++i) EXPECT_GE(reports[i].done, reports[i - 1].done);
  EXPECT_GT(reports[0].rate, 0);
  EXPECT_GT(reports[0].eta_seconds, 0);
  EXPECT_EQ(reports.back().done, 400u);
  EXPECT_EQ(reports.back().total, 400u);
  EXPECT_EQ(reports.back().eta_seconds, 0);
}

TEST(ProgressMeter, StopsTheWorkWhenTheCallbackSaysSo) {
  std::atomic<int> calls = 0;
  const RunOptions options{.num_threads = 4, .progress = [&](const Progress&) {
                             ++calls;
                             return false;
                           }};
  ProgressMeter meter(options, "search", 400);
  expect_error(Error::stopped, "search stopped by its progress callback", [&] { work(meter, options); });
  EXPECT_EQ(calls, 1);
}

TEST(ProgressMeter, CarriesTheCallbacksExceptionHome) {
  const RunOptions options{.num_threads = 4,
                           .progress = [](const Progress&) -> bool { throw std::runtime_error("interrupted"); }};
  ProgressMeter meter(options, "search", 400);
  EXPECT_THROW(work(meter, options), std::runtime_error);
}

TEST(ProgressMeter, LooksAtTheStopTokenAndTheDeadline) {
  std::stop_source source;
  ProgressMeter stopped({.stop = source.get_token()}, "add", 10);
  stopped.advance(1);
  source.request_stop();
  expect_error(Error::stopped, "request", [&] { stopped.advance(1); });

  ProgressMeter late({.timeout = 1ms}, "add", 10);
  std::this_thread::sleep_for(2ms);
  expect_error(Error::timeout, "0.001 s", [&] { late.advance(1); });
}

TEST(ProgressMeter, DoesNothingWithoutACallback) {
  ProgressMeter meter({}, "add", 10);
  meter.advance(5);
  meter.finish();
}

TEST(ProgressMeter, KnowsNoTimeLeftWithoutATotal) {
  Progress last;
  ProgressMeter meter({.progress =
                           [&](const Progress& progress) {
                             last = progress;
                             return false;  // too late to matter
                           }},
                      "read", 0);
  meter.advance(17);
  meter.finish();
  EXPECT_EQ(last.done, 17u);
  EXPECT_EQ(last.total, 0u);
  EXPECT_EQ(last.eta_seconds, 0);
}

}  // namespace
}  // namespace knear
