#include "base/task.h"

#include <fmt/format.h>

namespace penstock {
namespace {

Task<int> Immediate(int value) { co_return value; }

Task<int> SumOf(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await Immediate(1);
  co_return sum;
}

TEST(TaskTest, AMillionChildrenThatFinishAtOnceNeedNoStack) {
  EXPECT_EQ(SyncWait(SumOf(1'000'000)), 1'000'000);
}

TEST(TaskTest, AnExceptionReachesTheAwaiter) {
  auto outer = []() -> Task<bool> {
    auto inner = []() -> Task<int> {
      throw std::runtime_error("x");
      co_return 1;
    };
    bool caught = false;
    try {
      (void)co_await inner();
    } catch (const std::runtime_error&) {
      caught = true;
    }
    co_return caught;
  };
  EXPECT_TRUE(SyncWait(outer()));
}

TEST(TaskTest, BlockingWorkComesBackToItsExecutor) {
  ThreadPool pool(2, "test");
  auto run = [](ThreadPool& p) -> Task<bool> {
    Executor* const home = Executor::Current();
    const auto id = co_await RunBlocking(p, [] { return std::this_thread::get_id(); });
    co_return Executor::Current() == home&& id != std::this_thread::get_id();
  };
  EXPECT_TRUE(SyncWait(run(pool)));
}

TEST(TaskTest, OneshotsSetByOtherThreadsLoseNothing) {
  ThreadPool pool(4, "test");
  auto run = [](ThreadPool& p) -> Task<int> {
    int sum = 0;
    for (int i = 0; i < 2000; ++i) {
      Oneshot<int> value;
      p.Post([value, i] { value.Set(i); });
      sum += co_await value;
    }
    co_return sum;
  };
  EXPECT_EQ(SyncWait(run(pool)), 1999 * 1000);
}

TEST(TaskTest, SleepEndsWithTheClockOrWithTheToken) {
  SimulatedClock clock(ServerTimeFromMs(0));
  SimulatedExecutor executor(clock);
  TaskGroup group;
  std::vector<std::string> events;
  auto sleeper = [](int ms, CancelToken token, std::vector<std::string>& out) -> Task<void> {
    const Status slept = co_await Sleep(std::chrono::milliseconds(ms), token);
    out.push_back(fmt::format("{} {}", ms, slept.ok()));
  };
  executor.Post([&] {
    group.Spawn(sleeper(10, group.token(), events));
    group.Spawn(sleeper(1000, group.token(), events));
  });
  executor.Advance(std::chrono::milliseconds(20));
  EXPECT_THAT(events, ::testing::ElementsAre("10 true"));
  executor.Post([&] { group.Cancel(); });
  executor.RunUntilIdle();
  EXPECT_THAT(events, ::testing::ElementsAre("10 true", "1000 false"));
  EXPECT_EQ(group.running(), 0u);
  EXPECT_EQ(executor.timers(), 0u);
}

TEST(TaskTest, ALoopAwaitsItsGroup) {
  auto run = []() -> Task<int> {
    TaskGroup group;
    int done = 0;
    auto child = [](int& count) -> Task<void> {
      (void)co_await Sleep(std::chrono::milliseconds(1));
      ++count;
    };
    for (int i = 0; i < 10; ++i) group.Spawn(child(done));
    co_await group.Join();
    co_return done;
  };
  EXPECT_EQ(SyncWait(run()), 10);
}

}  // namespace
}  // namespace penstock
