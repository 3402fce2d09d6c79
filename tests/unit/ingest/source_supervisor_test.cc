#include "ingest/source_supervisor.h"

#include "tests/unit/ingest/fake_store.h"

namespace penstock::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

StreamName Name(std::string_view text) { return StreamName::Parse(text).value(); }

// The registry is only asked to remember names here: no store behind it.
class NoStore final : public store::Store {
 public:
  Task<void> Close() override { co_return; }
  store::Catalog& catalog() override { return catalog_; }
  std::vector<store::StreamInfo> ListStreams() const override { return {}; }
  std::optional<store::StreamInfo> GetStream(const StreamName&) const override {
    return std::nullopt;
  }
  Task<Result<store::StreamInfo>> CreateStream(StreamName, uint32_t) override {
    return Refuse<store::StreamInfo>();
  }
  Task<Status> DeleteStream(StreamName) override { co_return Status(); }
  Task<Result<store::StreamInfo>> ChangeStream(StreamName, store::StreamChange, uint64_t) override {
    return Refuse<store::StreamInfo>();
  }
  Task<Result<store::Hold>> AddHold(store::NewHold) override {
    co_return Error(ErrorCode::kUnsupported, "a fake does not");
  }
  Task<Result<store::Hold>> ReleaseHold(std::string) override {
    co_return Error(ErrorCode::kUnsupported, "a fake does not");
  }
  std::vector<store::Hold> ListHolds(std::optional<StreamName>) const override { return {}; }
  std::shared_ptr<store::Shard> OpenShard(const ShardId&) override { return nullptr; }
  Task<Status> EnforceRetention() override { co_return Status(); }
  Stats GetStats() const override { return {}; }

 private:
  template <class T>
  static Task<Result<T>> Refuse() {
    co_return Error(ErrorCode::kUnavailable, "no store");
  }
  FakeCatalog catalog_;
};

// Pullers that run until cancelled and write down what happened.
struct Pulls {
  std::mutex mutex;
  std::vector<std::string> events;

  void Note(std::string event) {
    const std::lock_guard lock(mutex);
    events.push_back(std::move(event));
  }
  std::vector<std::string> Take() {
    const std::lock_guard lock(mutex);
    return std::exchange(events, {});
  }
  static Task<void> Run(Pulls& pulls, SourceConfig config, CancelToken token) {
    pulls.Note("start " + config.name.text());
    (void)co_await Sleep(std::chrono::hours(1), token);
    pulls.Note("stop " + config.name.text());
  }
};

class SourceSupervisorTest : public ::testing::Test {
 protected:
  std::unique_ptr<SourceSupervisor> Make() {
    return std::make_unique<SourceSupervisor>(
        store_.catalog(), registry_, loops_,
        [this](net::EventLoop&, SourceConfig config, CancelToken token) {
          return Pulls::Run(pulls_, std::move(config), std::move(token));
        });
  }
  static SourceConfig Config(std::string_view name) {
    return SourceConfig{.name = Name(name), .url = "rtsp://u:p@127.0.0.1/x"};
  }

  NoStore store_;
  PublicationRegistry registry_{store_, SystemClock(), RecordingOptions()};
  net::EventLoops loops_{2};
  Pulls pulls_;
};

TEST_F(SourceSupervisorTest, AnAddedSourceIsPulledAndSurvivesARestart) {
  auto supervisor = Make();
  ASSERT_TRUE(supervisor->Start({}).ok());
  ASSERT_TRUE(SyncWait(supervisor->Add(Config("cam"))).ok());
  SyncWait(supervisor->Stop());
  EXPECT_THAT(pulls_.Take(), ElementsAre("start cam", "stop cam"));

  supervisor = Make();
  ASSERT_TRUE(supervisor->Start({}).ok());
  EXPECT_EQ(supervisor->List().size(), 1u);
  SyncWait(supervisor->Stop());
  EXPECT_THAT(pulls_.Take(), ElementsAre("start cam", "stop cam"));
}

TEST_F(SourceSupervisorTest, ARemovedSourceIsStoppedAndForgotten) {
  auto supervisor = Make();
  ASSERT_TRUE(supervisor->Start({}).ok());
  ASSERT_TRUE(SyncWait(supervisor->Add(Config("cam"))).ok());
  EXPECT_EQ(supervisor->GetStatus().size(), 1u);
  ASSERT_TRUE(SyncWait(supervisor->Remove(Name("cam"))).ok());
  EXPECT_THAT(pulls_.Take(), ElementsAre("start cam", "stop cam"));
  EXPECT_TRUE(supervisor->List().empty());
  EXPECT_TRUE(supervisor->GetStatus().empty());
  EXPECT_EQ(SyncWait(supervisor->Remove(Name("cam"))).error().code(), ErrorCode::kNotFound);
  SyncWait(supervisor->Stop());
}

// A camera that does not answer its TEARDOWN: the first removal takes its time, and a person asks
// again.
TEST_F(SourceSupervisorTest, TwoRemovalsAtTheSameTimeAreOneRemoval) {
  Oneshot<Unit> told;
  Oneshot<Unit> let_go;
  auto stubborn = [](Oneshot<Unit> was_told, Oneshot<Unit> may_end,
                     CancelToken token) -> Task<void> {
    (void)co_await Sleep(std::chrono::hours(1), token);
    was_told.Set(Unit());
    co_await may_end;
  };
  SourceSupervisor supervisor(store_.catalog(), registry_, loops_,
                              [&](net::EventLoop&, SourceConfig, CancelToken token) {
                                return stubborn(told, let_go, std::move(token));
                              });
  ASSERT_TRUE(supervisor.Start({}).ok());
  ASSERT_TRUE(SyncWait(supervisor.Add(Config("cam"))).ok());
  auto remove = [](SourceSupervisor& sources, Oneshot<Status> done) -> Task<void> {
    Status status = co_await sources.Remove(Name("cam"));
    done.Set(std::move(status));
  };
  Oneshot<Status> first;
  loops_[0].Post([&, first] { Detach(remove(supervisor, first)); });
  auto wait = [](Oneshot<Unit> what) -> Task<void> { co_await what; };
  SyncWait(wait(told));
  EXPECT_EQ(SyncWait(supervisor.Remove(Name("cam"))).error().code(), ErrorCode::kNotFound);
  let_go.Set(Unit());
  auto result = [](Oneshot<Status> what) -> Task<Status> { co_return co_await what; };
  EXPECT_TRUE(SyncWait(result(first)).ok());
  EXPECT_TRUE(supervisor.List().empty());
  SyncWait(supervisor.Stop());
}

TEST_F(SourceSupervisorTest, ANameIsTakenOnce) {
  auto supervisor = Make();
  ASSERT_TRUE(supervisor->Start({}).ok());
  ASSERT_TRUE(SyncWait(supervisor->Add(Config("cam"))).ok());
  EXPECT_EQ(SyncWait(supervisor->Add(Config("cam"))).error().code(), ErrorCode::kAlreadyExists);
  SyncWait(supervisor->Stop());
}

TEST_F(SourceSupervisorTest, ASourceOfTheConfigurationFileIsNotRemovedByTheCommandLine) {
  auto supervisor = Make();
  std::vector<SourceConfig> declared{Config("cam")};
  ASSERT_TRUE(supervisor->Start(declared).ok());
  EXPECT_EQ(SyncWait(supervisor->Remove(Name("cam"))).error().code(), ErrorCode::kForbidden);
  SyncWait(supervisor->Stop());
}

TEST_F(SourceSupervisorTest, TheSameNameInBothPlacesIsAnErrorAtStart) {
  auto supervisor = Make();
  ASSERT_TRUE(supervisor->Start({}).ok());
  ASSERT_TRUE(SyncWait(supervisor->Add(Config("cam"))).ok());
  SyncWait(supervisor->Stop());

  supervisor = Make();
  const Status started = supervisor->Start({Config("cam")});
  EXPECT_EQ(started.error().code(), ErrorCode::kAlreadyExists);
  EXPECT_THAT(started.error().message(), HasSubstr("configuration file"));
  SyncWait(supervisor->Stop());
}

TEST_F(SourceSupervisorTest, AReloadTouchesOnlyTheSourcesThatDiffer) {
  auto supervisor = Make();
  ASSERT_TRUE(supervisor->Start({Config("same"), Config("moved"), Config("gone")}).ok());
  ASSERT_TRUE(SyncWait(supervisor->Add(Config("added"))).ok());
  SourceConfig moved = Config("moved");
  moved.url = "rtsp://u:p@127.0.0.1/elsewhere";
  std::vector<SourceConfig> declared{Config("same"), moved, Config("new")};
  const auto changes = SyncWait(supervisor->Redeclare(declared));
  ASSERT_TRUE(changes.ok()) << changes.error().message();
  EXPECT_EQ(changes->added, 1u);
  EXPECT_EQ(changes->removed, 1u);
  EXPECT_EQ(changes->changed, 1u);
  std::vector<std::string> names;
  for (const SourceConfig& config : supervisor->List()) {
    names.push_back(config.name.text());
    EXPECT_EQ(config.url == moved.url, config.name.text() == "moved");
  }
  EXPECT_THAT(names, ElementsAre("added", "moved", "new", "same"));
  EXPECT_EQ(supervisor->GetStatus().size(), 4u) << "what is gone is not shown any more";
  EXPECT_EQ(SyncWait(supervisor->Remove(Name("new"))).error().code(), ErrorCode::kForbidden);
  SyncWait(supervisor->Stop());
  std::vector<std::string> events = pulls_.Take();
  std::sort(events.begin(), events.end());
  EXPECT_THAT(events, ElementsAre("start added", "start gone", "start moved", "start moved",
                                  "start new", "start same", "stop added", "stop gone",
                                  "stop moved", "stop moved", "stop new", "stop same"));
}

TEST_F(SourceSupervisorTest, AReloadThatTakesANameOfTheCommandLineChangesNothing) {
  auto supervisor = Make();
  ASSERT_TRUE(supervisor->Start({Config("old")}).ok());
  ASSERT_TRUE(SyncWait(supervisor->Add(Config("cam"))).ok());
  const auto changes = SyncWait(supervisor->Redeclare({Config("new"), Config("cam")}));
  EXPECT_EQ(changes.error().code(), ErrorCode::kAlreadyExists);
  EXPECT_THAT(changes.error().message(), HasSubstr("cam"));
  EXPECT_EQ(supervisor->List().size(), 2u);
  EXPECT_EQ(supervisor->List().back().name, Name("old"));
  SyncWait(supervisor->Stop());
}

}  // namespace
}  // namespace penstock::ingest
