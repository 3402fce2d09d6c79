// HLS over the embedded store: the same numbers, names and bytes after a restart.
#include <gmock/gmock.h>
#include <unistd.h>

#include "playback/hls/hls_service.h"
#include "store/disk/disk.h"
#include "tests/unit/playback/real_media.h"

namespace penstock::playback {
namespace {

class RealStore : public RecordedMedia {
 protected:
  void OpenStore(LayoutPolicy layout = LayoutPolicy::kContiguous, Clock& clock = SystemClock()) {
    store::StoreOptions options;
    options.directory = folder() / "data";
    options.segment_bytes = 16u << 20;
    Result<std::unique_ptr<store::Store>> opened =
        store::Store::Open(options, store::RealDisk(), clock);
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    real_ = std::move(*opened);
    service_ = std::make_unique<HlsService>(*real_, clock, HlsOptions{.layout = layout});
  }
  void CloseStore() {
    service_.reset();
    SyncWait(real_->Close());
    real_.reset();
  }

  // What the fake shard recorded, appended to the stream's real one. `before` each of them.
  void AppendAll(
      const Clip& clip, const std::function<void(size_t)>& before = [](size_t) {}) {
    const store::StreamInfo info = SyncWait(real_->CreateStream(name_, 24)).value();
    const std::shared_ptr<store::Shard> shard = real_->OpenShard(info.shard);
    store::RunId run = 0;
    for (const FakeShard::Item& item : shard_->items) {
      before(item.header.ordinal);
      store::NewItem fresh;
      fresh.slot = shard->OpenSlot().value();
      fresh.run = run;
      fresh.duration = item.header.duration;
      fresh.track_set = fragmenter::EncodeMkvHeader(clip.tracks);
      fresh.track_set_meta = fragmenter::EncodeTrackSet(clip.tracks);
      fresh.body = item.body;
      fresh.meta = item.meta;
      const Result<store::ItemHeader> stored = SyncWait(shard->Append(std::move(fresh)));
      ASSERT_TRUE(stored.ok()) << stored.error().ToString();
      run = stored->run;
    }
  }

  std::string TextOf(const BodyPart& part) {
    if (const auto* chain = std::get_if<ByteChain>(&part)) {
      return std::string(chain->Flatten().text());
    }
    const auto& slice = std::get<FileSlice>(part);
    ++file_slices_;
    std::string text(slice.size, '\0');
    EXPECT_EQ(pread(slice.file->fd(), text.data(), slice.size, static_cast<off_t>(slice.offset)),
              static_cast<ssize_t>(slice.size));
    return text;
  }
  std::string Text(const std::string& file) {
    const Result<Resource> resource = SyncWait(service_->Get(name_, file, {}));
    EXPECT_TRUE(resource.ok()) << file << ": " << resource.error().ToString();
    if (!resource.ok()) return {};
    std::string text;
    for (const BodyPart& part : resource->parts) text += TextOf(part);
    return text;
  }

  // The playlist and everything it names, one after the other.
  std::vector<std::string> Tree() {
    std::vector<std::string> tree = {Text("index.m3u8")};
    std::istringstream lines(tree.front());
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("#EXT-X-MAP:URI=\"")) line = line.substr(16, line.size() - 17);
      if (!line.starts_with("#")) tree.push_back(Text(line));
    }
    return tree;
  }

  const StreamName name_ = StreamName::Parse("cam1").value();
  std::unique_ptr<store::Store> real_;
  std::unique_ptr<HlsService> service_;
  int file_slices_ = 0;
};

TEST_F(RealStore, PlaylistAndSegmentsAreTheSameAfterARestart) {
  const Clip clip = MakeClip(folder() / "clip.mp4", "320x180", 4);
  Record(*shard_, clip, 0, ServerTimeFromMs(kNoonMs));
  OpenStore();
  AppendAll(clip);
  const std::vector<std::string> before = Tree();
  ASSERT_EQ(before.size(), 1 + 1 + 4u);  // playlist, init segment, four media segments
  EXPECT_THAT(before[0], ::testing::HasSubstr("#EXT-X-MEDIA-SEQUENCE:0\n"));
  CloseStore();
  OpenStore();
  EXPECT_TRUE(Tree() == before);
  CloseStore();

  std::string joined;
  for (size_t i = 1; i < before.size(); ++i) joined += before[i];
  WriteFile(folder() / "joined.bin", ByteChain(Bytes::From(joined)));
  EXPECT_TRUE(Probe((folder() / "joined.bin").string()) == Probe(clip.path));
}

TEST_F(RealStore, AStartIsFoundOnBothSidesOfAServerClockThatWasSetBack) {
  const Clip clip = MakeClip(folder() / "clip.mp4", "320x180", 4);
  Record(*shard_, clip, 0, ServerTimeFromMs(kNoonMs));
  SimulatedClock clock(ServerTimeFromMs(kNoonMs));
  OpenStore(LayoutPolicy::kContiguous, clock);
  // Two fragments of a second from noon on, then two from an hour before.
  AppendAll(clip, [&](size_t i) {
    if (i > 0) clock.Advance(std::chrono::seconds(1));
    if (i == 2) clock.SetWall(ServerTimeFromMs(kNoonMs - 3'600'000));
  });
  const auto get = [this](std::vector<std::pair<std::string, std::string>> query) {
    return SyncWait(service_->Get(name_, "index.m3u8", std::move(query)));
  };
  const auto at = [](int64_t ms) { return std::to_string(kNoonMs + ms); };
  EXPECT_EQ(get({{"start", at(1'500)}}).value().moved_to, "index.m3u8?first=1");
  EXPECT_EQ(get({{"start", at(-3'600'000 + 1'500)}}).value().moved_to, "index.m3u8?first=3");
  EXPECT_EQ(get({{"start", at(-3'600'000)}}).value().moved_to, "index.m3u8?first=2");
  EXPECT_EQ(get({{"start", at(3'600'000)}}).error().code(), ErrorCode::kInvalidArgument);
  CloseStore();
}

TEST_F(RealStore, AVerbatimSegmentIsTheSameFromMemoryAndFromASealedFile) {
  const Clip clip = MakeClip(folder() / "clip.mp4", "320x180", 2);
  Record(*shard_, clip, 0, ServerTimeFromMs(kNoonMs));
  OpenStore(LayoutPolicy::kVerbatim);
  AppendAll(clip);
  const std::vector<std::string> from_memory = Tree();
  EXPECT_EQ(file_slices_, 0);
  CloseStore();
  OpenStore(LayoutPolicy::kVerbatim);
  EXPECT_TRUE(Tree() == from_memory);
  EXPECT_EQ(file_slices_, 2);
  CloseStore();
}

}  // namespace
}  // namespace penstock::playback
