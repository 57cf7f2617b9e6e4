#include "resolver/net/worker.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <boost/asio/post.hpp>
#include <chrono>
#include <ctime>
#include <future>
#include <thread>
#include <vector>

namespace idnode {
namespace {

using std::chrono::milliseconds;

// Processor time that the worker's thread has used.
milliseconds used(Worker& worker) {
  milliseconds time{0};
  worker.call([&] {
    timespec spent = {};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    time = std::chrono::duration_cast<milliseconds>(std::chrono::seconds(spent.tv_sec) +
                                                    std::chrono::nanoseconds(spent.tv_nsec));
  });
  return time;
}

class WorkerSpin : public testing::TestWithParam<std::chrono::microseconds> {};

TEST_P(WorkerSpin, TasksRunInOrderWhetherItSleepsOrPolls) {
  Worker worker(0);
  worker.start(GetParam());
  std::vector<int> ran;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(worker.mailbox()->post([&ran, i] { ran.push_back(i); }));
    if (i % 10 == 0) std::this_thread::sleep_for(milliseconds(1));
  }
  worker.call([] {});
  ASSERT_EQ(ran.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ran[static_cast<std::size_t>(i)], i);
}

INSTANTIATE_TEST_SUITE_P(Spins, WorkerSpin,
                         testing::Values(std::chrono::microseconds(0), std::chrono::microseconds(50),
                                         std::chrono::microseconds(1'000'000)));

TEST(Worker, PollsForAsLongAsItIsToldAndThenSleeps) {
  Worker polling(0);
  polling.start(std::chrono::seconds(600));
  while (used(polling) < milliseconds(30)) std::this_thread::sleep_for(milliseconds(5));
  polling.stop();  // also while it polls

  Worker sleeping(1);
  sleeping.start(std::chrono::microseconds(100));
  const milliseconds before = used(sleeping);
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_LT(used(sleeping) - before, milliseconds(100));
}

}  // namespace
}  // namespace idnode
