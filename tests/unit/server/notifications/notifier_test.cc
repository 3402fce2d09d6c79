// Notifications of a real store to webhooks on loopback.
#include "server/notifications/notifier.h"

#include <fmt/format.h>

#include "server/operations/video/configurations.h"
#include "server/operations/video/stream_info.h"
#include "store/disk/disk.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/server/notifications/fragments.h"
#include "tests/unit/server/outgoing/hook.h"

namespace penstock::server::notifications {
namespace {

namespace video = aws::video;
using std::chrono::milliseconds;
using ::testing::ElementsAre;

class NotifierTest : public HookTest {
 protected:
  NotifierTest() {
    options_.allowed = AllowedHosts::Parse("*").value();
    options_.pause_first = options_.pause_last = milliseconds(2);
    store::StoreOptions options;
    options.directory = dir_.path() / "data";
    options.retention_interval = milliseconds(0);
    options.segment_bytes = 4u << 20;
    store_ = store::Store::Open(options, store::RealDisk(), SystemClock()).value();
    Begin();
  }
  ~NotifierTest() override {
    notifier_->Stop();
    notifier_.reset();
    SyncWait(store_->Close());
  }

  void Begin() {
    notifier_ =
        std::make_unique<Notifier>(*store_, loops_, aws_, outgoing_, SystemClock(), options_);
    notifier_->Start();
  }
  void Restart() {
    notifier_->Stop();
    Begin();
  }

  store::StreamInfo Stream(const std::string& name) {
    const StreamName stream = StreamName::Parse(name).value();
    if (const auto info = store_->GetStream(stream)) return *info;
    return SyncWait(store_->CreateStream(stream, 24)).value();
  }
  // As the operation does it.
  void Configure(const std::string& name, const std::string& uri,
                 std::string_view status = "ENABLED") {
    const store::StreamInfo info = Stream(name);
    const Json before =
        video::LoadAttachment(store_->catalog(), info.shard, video::kNotificationKind);
    if (before["Status"].AsString() != "ENABLED" && status == "ENABLED") {
      ASSERT_TRUE(SyncWait(notifier_->BeginHere(info)).ok());
    }
    Json destination;
    destination.Set("Uri", uri);
    Json json;
    json.Set("Status", status);
    json.Set("DestinationConfig", std::move(destination));
    ASSERT_TRUE(SyncWait(video::SaveAttachment(*store_, info, "notification", json)).ok());
    notifier_->Look(info);
  }

  // One that asks for a notification, or not; returns its number.
  std::string Append(const std::string& name, const std::string& tag, bool asks = true) {
    const auto shard = store_->OpenShard(Stream(name).shard);
    const Fragment fragment = MakeFragment(asks ? TagsElement(Wish({{"tag", tag}})) : "");
    store::NewItem item;
    item.slot = shard->OpenSlot().value();
    if (asks) item.flags = store::kFlagAsksNotification;
    item.producer_time = ProducerTimeFromUs(1'768'478'400'000'000);
    item.duration = milliseconds(1);
    item.track_set = Bytes::Copy("tracks");
    item.body = ByteChain(Bytes::Copy(fragment.body));
    item.meta = fragment.meta;
    return SyncWait(shard->Append(std::move(item))).value().number.ToString();
  }
  // What the hook was told of, in order.
  static std::vector<std::string> TagsOf(const std::vector<std::string>& bodies) {
    std::vector<std::string> out;
    for (const std::string& body : bodies) {
      const auto json = Json::Parse(body);
      out.emplace_back(json.ok() ? (*json)["NotificationPayload"]["tag"].AsString() : "no JSON");
    }
    return out;
  }
  // Up to and with this one. A request that was given up may still have come.
  static std::vector<std::string> TagsUntil(Hook& hook, const std::string& last) {
    std::vector<std::string> tags = TagsOf(hook.Bodies(1));
    while (tags.back() != last && tags.back() != "no JSON")
      tags = TagsOf(hook.Bodies(tags.size() + 1));
    return tags;
  }
  NotificationStatus StatusOf(const std::string& name) {
    return notifier_->GetStatus(Stream(name)).value_or(NotificationStatus());
  }
  // Looks until it is so; half a minute is never needed.
  template <class Condition>
  bool Until(Condition condition) {
    const SteadyTime late = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > late) return false;
      std::this_thread::yield();
    }
    return true;
  }

  const penstock::testing::TempDir dir_;
  aws::Context aws_;
  Notifier::Options options_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Notifier> notifier_;
};

TEST_F(NotifierTest, EachFragmentThatAsksIsToldOfOnceInOrder) {
  Append("door", "before the configuration");
  Configure("door", hook_.Url("/hook?key=1"));
  const std::string first = Append("door", "1");
  Append("door", "nobody asks", false);
  Append("door", "2");
  Append("door", "3");
  const std::vector<Hook::Seen> seen = hook_.WaitFor(3);
  EXPECT_EQ(seen[0].target, "/hook?key=1");
  EXPECT_EQ(seen[0].headers.Get("Content-Type"), "application/json");
  EXPECT_TRUE(seen[0].headers.Has("Via")) << "nobody takes it for a request of this machine";
  EXPECT_EQ((*Json::Parse(seen[0].body))["FragmentNumber"].AsString(), first);
  EXPECT_THAT(TagsOf(hook_.Bodies(3)), ElementsAre("1", "2", "3"));
  EXPECT_TRUE(Until([&] { return StatusOf("door").delivered == 3; }));
  EXPECT_EQ(StatusOf("door").last_error, "");
  EXPECT_EQ(notifier_->Lag().count(), 0);
}

TEST_F(NotifierTest, WhatFailsIsTriedAgainAndKeepsItsPlace) {
  hook_.Answer(500);
  hook_.Answer(503);
  Configure("door", hook_.Url("/"));
  Append("door", "1");
  Append("door", "2");
  EXPECT_THAT(TagsOf(hook_.Bodies(4)), ElementsAre("1", "1", "1", "2"));
  EXPECT_TRUE(Until([&] { return StatusOf("door").delivered == 2; }));
  EXPECT_EQ(StatusOf("door").last_error, "the webhook answers with HTTP 503");
  EXPECT_EQ(StatusOf("door").failed_tries, 0);
}

TEST_F(NotifierTest, WhatTheHookRefusesIsNotRepeated) {
  hook_.Answer(404);
  Configure("door", hook_.Url("/"));
  Append("door", "1");
  Append("door", "2");
  EXPECT_THAT(TagsOf(hook_.Bodies(2)), ElementsAre("1", "2"));
  EXPECT_TRUE(Until([&] { return StatusOf("door").delivered == 1; }));
  EXPECT_EQ(StatusOf("door").refused, 1u);
}

TEST_F(NotifierTest, ADeadHookHarmsNoOtherStream) {
  Hook dead(loops_);
  dead.Always(500);
  Configure("dead", dead.Url("/"));
  Configure("alive", hook_.Url("/"));
  Append("dead", "x");
  dead.WaitFor(3);
  for (int i = 0; i < 20; ++i) Append("alive", fmt::format("{}", i));
  EXPECT_EQ(hook_.WaitFor(20).size(), 20u);
  EXPECT_EQ(StatusOf("dead").delivered, 0u);
  EXPECT_TRUE(StatusOf("dead").waiting_since.has_value());
  EXPECT_GT(StatusOf("dead").failed_tries, 0);
}

TEST_F(NotifierTest, AfterARestartItGoesOnWhereItWas) {
  Configure("door", hook_.Url("/"));
  Append("door", "0");
  EXPECT_TRUE(Until([&] { return StatusOf("door").delivered == 1; }));
  // Sooner than the place is saved again.
  Append("door", "1");
  EXPECT_TRUE(Until([&] { return StatusOf("door").delivered == 2; }));
  hook_.Always(500);
  Append("door", "2");
  Append("door", "3");
  hook_.WaitFor(3);
  notifier_->Stop();
  hook_.Always(200);
  Append("door", "4");
  Begin();
  std::vector<std::string> tags = TagsUntil(hook_, "4");
  EXPECT_EQ(std::count(tags.begin(), tags.end(), "1"), 1);
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  EXPECT_THAT(tags, ElementsAre("0", "1", "2", "3", "4"));
}

TEST_F(NotifierTest, WhatWaitsGoesToWhereTheConfigurationSaysNow) {
  hook_.Always(500);
  Configure("door", hook_.Url("/old"));
  Append("door", "1");
  hook_.WaitFor(1);
  Hook other(loops_);
  Configure("door", other.Url("/new"));
  EXPECT_THAT(TagsOf(other.Bodies(1)), ElementsAre("1"));
  // Disabled: what waits is dropped, and fragments of meanwhile are not told of.
  other.Always(500);
  Append("door", "2");
  other.WaitFor(2);
  Configure("door", other.Url("/new"), "DISABLED");
  EXPECT_TRUE(Until([&] { return notifier_->Lag().count() == 0; }));
  Append("door", "3");
  other.Always(200);
  Configure("door", other.Url("/new"));
  Append("door", "4");
  std::vector<std::string> tags = TagsUntil(other, "4");
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  EXPECT_THAT(tags, ElementsAre("1", "2", "4"));
}

TEST_F(NotifierTest, ADeletedStreamsNotificationsEnd) {
  hook_.Always(500);
  Configure("door", hook_.Url("/"));
  Append("door", "1");
  hook_.WaitFor(1);
  SyncWait(store_->DeleteStream(StreamName::Parse("door").value())).value();
  EXPECT_TRUE(Until([&] { return notifier_->Lag().count() == 0; }));
  hook_.Always(200);
  Configure("door", hook_.Url("/again"));
  const size_t before = hook_.WaitFor(1).size();
  Append("door", "2");
  const std::vector<Hook::Seen> seen = hook_.WaitFor(before + 1);
  EXPECT_EQ(seen.back().target, "/again");
}

TEST_F(NotifierTest, WhatIsTooOldIsGivenUpAndSaid) {
  options_.give_up = milliseconds(50);
  Restart();
  hook_.Always(500);
  Configure("door", hook_.Url("/"));
  Append("door", "1");
  EXPECT_TRUE(Until([&] { return StatusOf("door").expired == 1; }));
  EXPECT_THAT(StatusOf("door").last_error, ::testing::HasSubstr("given up"));
  EXPECT_FALSE(StatusOf("door").waiting_since.has_value());
}

TEST_F(NotifierTest, NothingIsDeliveredToWhatIsNoUrlOrMayNotBeReached) {
  const auto check = [&](const std::string& uri) {
    Json destination;
    destination.Set("Uri", uri);
    Json json;
    json.Set("DestinationConfig", std::move(destination));
    return notifier_->Check(json);
  };
  EXPECT_TRUE(check("arn:aws:sns:eu-west-1:123456789012:seen").ok());
  EXPECT_TRUE(check("https://hooks.example.org/x").ok());
  EXPECT_FALSE(check("https://hooks.example.org:0/x").ok());
  EXPECT_FALSE(check("http://169.254.169.254/latest").ok());
  Configure("door", "arn:aws:sns:eu-west-1:123456789012:seen");
  EXPECT_FALSE(StatusOf("door").webhook);
  // What was allowed when it was configured may not be so any more.
  Configure("gate", hook_.Url("/"));
  options_.allowed = AllowedHosts::Parse("192.0.2.0/24").value();
  Restart();
  Append("gate", "1");
  EXPECT_TRUE(Until([&] { return StatusOf("gate").failed_tries > 0; }));
  EXPECT_THAT(StatusOf("gate").last_error, ::testing::HasSubstr("no request may be sent there"));
}

}  // namespace
}  // namespace penstock::server::notifications
