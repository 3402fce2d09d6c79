// A disk that does not answer for a while: places in the order are still given out, and what waits
// is bounded.
#include <memory>

#include "tests/crash/store_fixture.h"

namespace penstock::testing {
namespace {

class StalledDiskTest : public StoreFixture {
 protected:
  static constexpr size_t kBodyBytes = 10'000;

  StalledDiskTest() { options_.window_bytes_per_stream = 4 * kBodyBytes; }

  // A fragment whose body says when nobody holds it any more.
  store::NewItem Fragment(store::Shard& shard) {
    store::NewItem item;
    item.slot = shard.OpenSlot().value();
    const auto memory = std::make_shared<std::vector<uint8_t>>(kBodyBytes, uint8_t{7});
    bodies_.push_back(memory);
    item.body.Append(Bytes(memory, ByteSpan(*memory)));
    return item;
  }
  size_t BodiesHeld() const {
    size_t held = 0;
    for (const auto& body : bodies_) held += body.expired() ? 0 : 1;
    return held;
  }

  std::vector<std::weak_ptr<std::vector<uint8_t>>> bodies_;
};

TEST_F(StalledDiskTest, SlotsAreGivenOutAndDroppedBodiesAreForgottenOldestFirst) {
  Open();
  const auto shard = Create("cam");
  disk_->HoldSyncs();
  for (int i = 0; i < 10; ++i) StartAppend(shard, Fragment(*shard));
  bodies_.clear();
  for (int i = 0; i < 40; ++i) StartDrop(shard, Fragment(*shard));
  EXPECT_EQ(BodiesHeld(), 4u);
  EXPECT_FALSE(bodies_.back().expired());
  EXPECT_EQ(shard->GetStatus().next_ordinal, 0u);

  disk_->ReleaseSyncs();
  AwaitAll();
  const auto refs = SyncWait(shard->Find(store::FromOldest{}, 1000)).value();
  ASSERT_EQ(refs.size(), 50u);
  for (size_t i = 0; i < refs.size(); ++i) {
    EXPECT_EQ(refs[i].header.ordinal, i);
    const auto bytes = SyncWait(shard->Open(refs[i], store::BodyForm::kMemory));
    if (i < 10 || i >= 46) {
      ASSERT_TRUE(bytes.ok()) << i << ": " << bytes.error().ToString();
      EXPECT_EQ(ReadWhole(*bytes).size(), kBodyBytes);
    } else {
      ASSERT_FALSE(bytes.ok()) << i;
      EXPECT_EQ(bytes.error().code(), ErrorCode::kNotFound);
    }
  }
}

TEST_F(StalledDiskTest, SlotsThatNobodyEndsAreRefusedInTheEnd) {
  Open();
  const auto shard = Create("cam");
  std::vector<store::Slot> slots;
  auto slot = shard->OpenSlot();
  for (; slot.ok() && slots.size() < 10'000; slot = shard->OpenSlot())
    slots.push_back(std::move(*slot));
  ASSERT_FALSE(slot.ok());
  EXPECT_EQ(slot.error().code(), ErrorCode::kThrottled);
  EXPECT_EQ(slots.size(), 256u);
}

}  // namespace
}  // namespace penstock::testing
