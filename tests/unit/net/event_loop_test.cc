#include "net/event_loop.h"

#include <pthread.h>

#include "tests/unit/net/loop_fixture.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;

class EventLoopTest : public LoopTest {};

TEST_F(EventLoopTest, WorkRunsInTheOrderItWasPostedOnTheLoopsOwnThread) {
  auto run = [](EventLoop& loop) -> Task<std::vector<int>> {
    std::vector<int> order;
    Oneshot<Unit> done;
    for (int i = 0; i < 100; ++i) loop.Post([&order, i] { order.push_back(i); });
    loop.Post([done] { done.Set(Unit()); });
    co_await done;
    co_return order;
  };
  std::vector<int> expected;
  for (int i = 0; i < 100; ++i) expected.push_back(i);
  EXPECT_EQ(Run(run(loop())), expected);
}

TEST_F(EventLoopTest, TimersRingInTheOrderOfTheirTimes) {
  auto run = [](EventLoop& loop) -> Task<std::vector<int>> {
    std::vector<int> order;
    Oneshot<Unit> done;
    const SteadyTime now = loop.SteadyNow();
    loop.StartTimer(now + milliseconds(30), [done] { done.Set(Unit()); });
    loop.StartTimer(now + milliseconds(20), [&order] { order.push_back(3); });
    loop.StartTimer(now + milliseconds(10), [&order] { order.push_back(2); });
    loop.StartTimer(now - milliseconds(10), [&order] { order.push_back(1); });
    co_await done;
    co_return order;
  };
  EXPECT_EQ(Run(run(loop())), (std::vector<int>{1, 2, 3}));
}

TEST_F(EventLoopTest, AStoppedTimerStaysSilentEvenIfItIsTheFirst) {
  auto run = [](EventLoop& loop) -> Task<int> {
    int rung = 0;
    const SteadyTime now = loop.SteadyNow();
    const auto first = loop.StartTimer(now + milliseconds(5), [&rung] { ++rung; });
    loop.StartTimer(now + milliseconds(6), [&loop, &rung, first] {
      rung += 10;
      loop.StopTimer(first);  // ran or not, this is harmless
    });
    loop.StopTimer(first);
    Status slept = co_await Sleep(milliseconds(20));
    EXPECT_TRUE(slept.ok());
    co_return rung;
  };
  EXPECT_EQ(Run(run(loop())), 10);
}

TEST_F(EventLoopTest, ATimerMayStartAndStopTimers) {
  auto run = [](EventLoop& loop) -> Task<int> {
    Oneshot<int> done;
    const SteadyTime now = loop.SteadyNow();
    auto never = std::make_shared<Executor::TimerId>();
    loop.StartTimer(now, [&loop, never, done, now] {
      loop.StopTimer(*never);
      loop.StartTimer(now, [done] { done.Set(2); });
    });
    *never = loop.StartTimer(now, [done] { done.Set(1); });
    co_return co_await done;
  };
  EXPECT_EQ(Run(run(loop())), 2);
}

TEST_F(EventLoopTest, PostsOfManyThreadsAllRun) {
  std::atomic<int> ran{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) loop().Post([&ran] { ++ran; });
      });
    }
  }
  auto nothing = []() -> Task<void> { co_return; };
  Run(nothing());
  EXPECT_EQ(ran, 4000);
}

TEST_F(EventLoopTest, TheLoopsThreadsHaveNamesAndNextGoesRound) {
  auto name = []() -> Task<std::string> {
    char text[16] = "";
    pthread_getname_np(pthread_self(), text, sizeof text);
    co_return text;
  };
  EXPECT_EQ(Run(name()), "net-0");
  EventLoop& first = loops_.Next();
  EXPECT_NE(&first, &loops_.Next());
  EXPECT_EQ(&first, &loops_.Next());
}

TEST_F(EventLoopTest, StopRunsWhatWasPostedBefore) {
  int ran = 0;
  EventLoop alone;
  alone.Post([&] { ++ran; });
  alone.Stop();
  alone.Run();
  EXPECT_EQ(ran, 1);
  loops_.Stop();
  loops_.Stop();  // again is harmless
}

}  // namespace
}  // namespace penstock::net
