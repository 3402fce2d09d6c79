#include "ingest/upload/upload_session.h"

#include <mutex>
#include <thread>

#include <gmock/gmock.h>

#include "tests/testing/upload_body.h"
#include "tests/unit/ingest/recorder_fixture.h"

namespace penstock::ingest {
namespace {

using fragmenter::UploadFault;
using penstock::testing::UploadBody;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint64_t kStart = 1'768'478'400'000;

std::string Piece(uint64_t timecode, std::string_view picture = "picture") {
  UploadBody body;
  return body.Cluster(timecode).Frame(1, 0, true, picture).Frame(1, 40, false, "next").text();
}
std::string Ended(uint64_t timecode, std::string_view picture = "picture") {
  return Piece(timecode, picture) + UploadBody().EndOfFragment().text();
}

class UploadSessionTest : public RecorderTest {
 protected:
  void SetUp() override {
    RecorderTest::SetUp();
    uploads_ = std::make_unique<Uploads>(*store_, *registry_, clock_, options_);
  }
  void Create(uint32_t hours = 24) { SyncWait(store_->CreateStream(stream_, hours)).value(); }

  // One connection, driven from the test's thread; what it is told is kept.
  class Connection {
   public:
    Connection(UploadSessionTest& test, int64_t base_ns = 0) : test_(test) {
      auto begin = [](UploadSessionTest& t) -> Task<Result<std::shared_ptr<Uploads::Seat>>> {
        auto info = *t.store_->GetStream(t.stream_);
        auto shard = t.store_->OpenShard(info.shard);
        co_return co_await t.uploads_->Begin(std::move(info), std::move(shard), "a test");
      };
      auto seat = test_.OnLoop(begin(test_));
      begun_ = seat.ok() ? Status() : Status(seat.error());
      if (!seat.ok()) return;
      UploadSession::Start start;
      start.seat = std::move(*seat);
      start.base_ns = base_ns;
      start.on_ack = [this](const UploadAck& ack) {
        const std::lock_guard lock(mutex_);
        acks_.push_back(ack);
      };
      start.on_over = [this] { over_ = true; };
      auto make = [](UploadSessionTest& t,
                     UploadSession::Start s) -> Task<std::shared_ptr<UploadSession>> {
        co_return std::make_shared<UploadSession>(*t.uploads_, std::move(s));
      };
      session_ = test_.OnLoop(make(test_, std::move(start)));
      Feed(UploadBody().Start().text());
    }
    ~Connection() {
      if (session_) Finish(UploadEnd::kCut);
    }

    bool Feed(std::string_view text) { return test_.OnLoop(session_->Feed(Bytes::Copy(text))); }
    void Finish(UploadEnd end = UploadEnd::kWhole) {
      test_.OnLoop(session_->Finish(end));
      auto drop = [](std::shared_ptr<UploadSession>& session) -> Task<void> {
        session.reset();
        co_return;
      };
      test_.OnLoop(drop(session_));
    }
    // "B1 R1 P1": kind and timecode, less kStart.
    std::vector<std::string> told() const {
      const std::lock_guard lock(mutex_);
      std::vector<std::string> out;
      for (const UploadAck& ack : acks_) {
        out.emplace_back(1, "BRPIE"[static_cast<size_t>(ack.kind)]);
        if (ack.timecode) out.back() += std::to_string(*ack.timecode - kStart);
      }
      return out;
    }
    UploadAck ack(size_t i) const {
      const std::lock_guard lock(mutex_);
      return acks_.at(i);
    }
    void Await(size_t count) const {
      while (told().size() < count) std::this_thread::yield();
    }
    const Status& begun() const { return begun_; }
    bool over() const { return over_; }

   private:
    UploadSessionTest& test_;
    Status begun_;
    std::shared_ptr<UploadSession> session_;
    mutable std::mutex mutex_;
    std::vector<UploadAck> acks_;
    std::atomic<bool> over_{false};
  };

  std::vector<store::ItemRef> Fragments() {
    std::vector<store::ItemRef> items = Items(stream_);
    std::erase_if(items, [](const store::ItemRef& item) {
      return item.header.kind != store::ItemKind::kFragment;
    });
    return items;
  }

  UploadOptions options_;
  std::unique_ptr<Uploads> uploads_;
};

TEST_F(UploadSessionTest, AFragmentIsPersistedWhenItIsDurableAndNotBefore) {
  Create();
  Connection connection(*this);
  disk_.HoldSyncs();
  connection.Feed(Piece(kStart));
  EXPECT_THAT(connection.told(), ElementsAre("B0"));
  connection.Feed(Piece(kStart + 1000));
  disk_.AwaitHeldSyncs(1);
  EXPECT_THAT(connection.told(), ElementsAre("B0", "R0", "B1000"));
  disk_.ReleaseSyncs();
  connection.Await(4);
  connection.Finish();
  EXPECT_THAT(connection.told(), ElementsAre("B0", "R0", "B1000", "P0", "R1000", "P1000"));
  ASSERT_EQ(Fragments().size(), 2u);
  EXPECT_EQ(Fragments()[0].header.number, *connection.ack(0).number);
  EXPECT_EQ(ToUs(Fragments()[1].header.producer_time), static_cast<int64_t>(kStart + 1000) * 1000);
  EXPECT_EQ(Fragments()[0].header.run, Fragments()[1].header.run);
}

TEST_F(UploadSessionTest, TheEndOfFragmentTagIsAnsweredWhileTheBodyGoesOn) {
  Create();
  Connection connection(*this);
  connection.Feed(Ended(kStart));
  connection.Await(3);
  EXPECT_THAT(connection.told(), ElementsAre("B0", "R0", "P0"));
}

TEST_F(UploadSessionTest, NothingIsPersistedInAStreamThatKeepsNothing) {
  Create(0);
  Connection connection(*this);
  connection.Feed(Ended(kStart));
  connection.Finish();
  EXPECT_THAT(connection.told(), ElementsAre("B0", "R0"));
}

TEST_F(UploadSessionTest, WhatWasStoredAndIsSentAgainIsAckedWithItsNumberAndStoredOnce) {
  Create();
  FragmentNumber number;
  {
    Connection first(*this);
    first.Feed(Ended(kStart));
    first.Await(3);
    number = *first.ack(0).number;
    first.Feed(Piece(kStart + 1000));
  }
  Connection second(*this);
  second.Feed(Ended(kStart) + Ended(kStart + 1000));
  second.Finish();
  EXPECT_THAT(second.told(), ElementsAre("B0", "R0", "P0", "B1000", "R1000", "P1000"));
  EXPECT_EQ(*second.ack(0).number, number);
  EXPECT_EQ(*second.ack(2).number, number);
  const auto items = Fragments();
  ASSERT_EQ(items.size(), 2u) << "the part that was cut off is not kept beside the whole";
  EXPECT_EQ(items[0].header.run, items[1].header.run) << "no hole for a viewer";
}

TEST_F(UploadSessionTest, OneThatIsOnItsWayToTheLogIsNotStoredTwiceEither) {
  Create();
  disk_.HoldSyncs();
  auto first = std::make_unique<Connection>(*this);
  first->Feed(Ended(kStart));
  disk_.AwaitHeldSyncs(1);
  first.reset();
  Connection second(*this);
  auto release = [this] { disk_.ReleaseSyncs(); };
  std::thread later(release);
  second.Feed(Ended(kStart));
  later.join();
  second.Finish();
  EXPECT_THAT(second.told(), ElementsAre("B0", "R0", "P0"));
  EXPECT_EQ(Fragments().size(), 1u);
}

TEST_F(UploadSessionTest, AConnectionThatIsLostWithoutAWordKeepsNobodyWaiting) {
  Create();
  Connection lost(*this);
  lost.Feed(Piece(kStart));
  Connection second(*this);
  second.Feed(Ended(kStart));
  second.Await(3);
  ASSERT_EQ(Fragments().size(), 1u) << "what is acknowledged is seen";
  EXPECT_EQ(Fragments()[0].header.number, *second.ack(2).number);
  EXPECT_TRUE(lost.over());
}

TEST_F(UploadSessionTest, AnotherContentOfTheSameTimeIsAnotherFragment) {
  Create();
  {
    Connection first(*this);
    first.Feed(Ended(kStart));
    first.Finish();
  }
  Connection second(*this);
  second.Feed(Ended(kStart, "another"));
  second.Finish();
  EXPECT_THAT(second.told(), ElementsAre("B0", "R0", "P0"));
  ASSERT_EQ(Fragments().size(), 2u);
  EXPECT_EQ(*second.ack(2).number, Fragments()[1].header.number);
}

TEST_F(UploadSessionTest, AFullDiskIsAnArchivalErrorAndEndsTheUpload) {
  Create();
  Connection connection(*this);
  connection.Feed(Ended(kStart));
  connection.Await(3);
  disk_.SetCapacity(1);
  // The store looks at the volume when it writes.
  for (uint64_t i = 1; i < 100 && !connection.over(); ++i)
    connection.Feed(Ended(kStart + i * 1000, std::string(200'000, 'x')));
  connection.Finish();
  ASSERT_TRUE(connection.over());
  const std::vector<std::string> told = connection.told();
  EXPECT_THAT(told.back(), HasSubstr("E"));
  const UploadAck last = connection.ack(told.size() - 1);
  EXPECT_EQ(last.fault, UploadFault::kNotStored);
  EXPECT_EQ(std::count_if(told.begin(), told.end(),
                          [&](const std::string& ack) {
                            return ack == "P" + std::to_string(*last.timecode - kStart);
                          }),
            0);
  disk_.SetCapacity(1u << 30);
}

TEST_F(UploadSessionTest, FragmentsGoForwardWithinAConnection) {
  Create();
  Connection connection(*this);
  connection.Feed(Piece(kStart));
  EXPECT_FALSE(connection.Feed(Piece(kStart)));
  connection.Finish();
  EXPECT_THAT(connection.told(), ElementsAre("B0", "R0", "P0", "E0"));
  EXPECT_EQ(connection.ack(3).fault, UploadFault::kTimecode);
}

TEST_F(UploadSessionTest, AMistakeIsToldAfterTheAcksOfWhatWasComplete) {
  Create();
  Connection connection(*this);
  disk_.HoldSyncs();
  connection.Feed(Ended(kStart));
  EXPECT_FALSE(connection.Feed("\x01 is no element"));
  disk_.AwaitHeldSyncs(1);
  EXPECT_THAT(connection.told(), ElementsAre("B0", "R0"));
  disk_.ReleaseSyncs();
  connection.Finish();
  EXPECT_THAT(connection.told(), ElementsAre("B0", "R0", "P0", "E"));
  EXPECT_EQ(connection.ack(3).fault, UploadFault::kInvalid);
}

TEST_F(UploadSessionTest, ASlowDiskIsFeltByTheProducer) {
  Create();
  Connection connection(*this);
  disk_.HoldSyncs();
  std::string many;
  for (uint64_t i = 0; i < 8; ++i) many += Piece(kStart + i * 1000);
  std::atomic<bool> fed{false};
  std::thread feeding([&] {
    connection.Feed(many);
    fed = true;
  });
  disk_.AwaitHeldSyncs(1);
  connection.Await(2 * limits::kPendingFragmentsPerStreamMax);
  EXPECT_FALSE(fed);
  EXPECT_EQ(StatusOf(stream_).fragments_waiting, limits::kPendingFragmentsPerStreamMax);
  disk_.ReleaseSyncs();
  feeding.join();
  connection.Finish();
  EXPECT_EQ(Fragments().size(), 8u);
}

TEST_F(UploadSessionTest, MemoryIsBoundedOverAllUploads) {
  options_.memory_bytes = 100'000;
  options_.room_time = std::chrono::milliseconds(10);
  uploads_ = std::make_unique<Uploads>(*store_, *registry_, clock_, options_);
  Create();
  {
    Connection connection(*this);
    connection.Feed(
        UploadBody().Cluster(kStart).Frame(1, 0, true, std::string(60'000, 'x')).text());
    EXPECT_GE(uploads_->room().used(), 60'000u);
    EXPECT_FALSE(
        connection.Feed(UploadBody().Frame(1, 40, false, std::string(60'000, 'x')).text()));
    connection.Finish();
    EXPECT_THAT(connection.told(), ElementsAre("B0", "E0"));
    EXPECT_EQ(connection.ack(1).fault, UploadFault::kInternal);
  }
  EXPECT_EQ(uploads_->room().used(), 0u);
}

TEST_F(UploadSessionTest, TwoConnectionsOfOneProducerOverlapAndTheRunGoesOn) {
  Create();
  Connection first(*this);
  first.Feed(Ended(kStart));
  Connection second(*this);
  second.Feed(Ended(kStart + 80));
  first.Finish();
  second.Finish();
  ASSERT_EQ(Fragments().size(), 2u);
  EXPECT_EQ(Fragments()[0].header.run, Fragments()[1].header.run);
  EXPECT_EQ(registry_->active(), 0u);
}

TEST_F(UploadSessionTest, OtherPublishersAndTooManyConnectionsAreRefused) {
  options_.connections = 1;
  uploads_ = std::make_unique<Uploads>(*store_, *registry_, clock_, options_);
  Create();
  {
    Connection first(*this);
    Connection second(*this);
    EXPECT_EQ(second.begun().error().code(), ErrorCode::kThrottled);
    first.Feed(Ended(kStart));
    first.Await(3);
    EXPECT_EQ(StatusOf(stream_).status.state, SourceState::kRecording);
    EXPECT_EQ(StatusOf(stream_).tracks.at(0).description, "H.264 320x184");
  }
  auto sink = Begin(stream_);
  Connection third(*this);
  EXPECT_THAT(third.begun().error().message(), HasSubstr("being published by a test"));
  End(std::move(sink));
}

TEST_F(UploadSessionTest, ADeletedStreamIsToldAndNothingMoreIsWanted) {
  Create();
  Connection connection(*this);
  connection.Feed(Piece(kStart));
  ASSERT_TRUE(SyncWait(store_->DeleteStream(stream_)).ok());
  connection.Feed(Piece(kStart + 1000));
  connection.Finish();
  EXPECT_EQ(connection.ack(connection.told().size() - 1).fault, UploadFault::kStreamGone);
}

TEST_F(UploadSessionTest, AnIdleEndKeepsWhatIsCompleteAndAnOldConnectionIsToldSo) {
  Create();
  {
    Connection connection(*this);
    connection.Feed(Piece(kStart));
    connection.Finish(UploadEnd::kIdle);
    EXPECT_THAT(connection.told(), ElementsAre("B0", "R0", "P0"));
  }
  Connection connection(*this);
  connection.Feed(Piece(kStart + 5000));
  connection.Finish(UploadEnd::kLate);
  EXPECT_THAT(connection.told(), ElementsAre("B5000", "E5000"));
  EXPECT_EQ(connection.ack(1).fault, UploadFault::kConnectionTime);
}

TEST_F(UploadSessionTest, RelativeTimecodesCountFromTheStart) {
  Create();
  Connection connection(*this, int64_t{kStart} * 1'000'000);
  connection.Feed(Ended(500));
  connection.Finish();
  EXPECT_EQ(*connection.ack(2).timecode, 500u) << "as the producer wrote it";
  EXPECT_EQ(ToUs(Fragments()[0].header.producer_time), static_cast<int64_t>(kStart + 500) * 1000);
}

}  // namespace
}  // namespace penstock::ingest
