// Who may go on when: gates and pauses.
#include <map>

#include <gtest/gtest.h>

#include "server/outgoing/gate.h"
#include "server/outgoing/pauses.h"

namespace penstock::server {
namespace {

using std::chrono::milliseconds;

TEST(PausesTest, EachIsUpToTwiceTheOneBeforeAndNoneIsTooLong) {
  Pauses pauses(milliseconds(1000), milliseconds(60'000), 7);
  bool varies = false;
  for (const int most : {1000, 2000, 4000, 8000, 16'000, 32'000, 60'000, 60'000}) {
    const milliseconds pause = pauses.Next();
    EXPECT_LE(pause.count(), most);
    EXPECT_GE(pause.count(), most / 2);
    varies |= pause.count() != most;
  }
  EXPECT_TRUE(varies);
}

TEST(GateTest, SoManyAreInsideAndTheOthersComeInTheirOrder) {
  SimulatedClock clock(ServerTimeFromMs(0));
  SimulatedExecutor executor(clock);
  Gate gate(2);
  std::map<int, Gate::Seat> inside;
  const auto enter = [](Gate& g, std::map<int, Gate::Seat>& in, int name) -> Task<void> {
    Gate::Seat seat = co_await g.Enter();
    in.emplace(name, std::move(seat));
  };
  executor.Post([&] {
    for (int name = 1; name <= 4; ++name) Detach(enter(gate, inside, name));
  });
  executor.RunUntilIdle();
  EXPECT_EQ(inside.size(), 2u);
  EXPECT_EQ(gate.waiting(), 2u);
  executor.Post([&] { inside.erase(2); });
  executor.RunUntilIdle();
  EXPECT_EQ(inside.size(), 2u);
  EXPECT_EQ(inside.count(3), 1u);
  executor.Post([&] {
    inside.erase(1);
    inside.erase(3);
  });
  executor.RunUntilIdle();
  EXPECT_EQ(inside.count(4), 1u);
  inside.clear();
  EXPECT_EQ(gate.waiting(), 0u);
}

TEST(GateTest, WhoCannotWaitIsLetInOnlyWhereThereIsRoom) {
  Gate gate(1);
  std::optional<Gate::Seat> first = gate.TryEnter();
  EXPECT_TRUE(first);
  EXPECT_FALSE(gate.TryEnter());
  first.reset();
  EXPECT_TRUE(gate.TryEnter());
}

}  // namespace
}  // namespace penstock::server
