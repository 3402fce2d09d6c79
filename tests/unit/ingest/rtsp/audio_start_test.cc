// Where sound lies beside the picture in what is stored, when ffmpeg pushes AAC of its own encoder,
// whose first unit is priming.
#include <fmt/format.h>

#include "fragmenter/media.h"
#include "ingest/publication_registry.h"
#include "ingest/rtsp/endpoints.h"
#include "tests/testing_store/fault_disk.h"
#include "tests/unit/ingest/rtsp/child_process.h"
#include "tests/unit/ingest/rtsp/one_key.h"

namespace penstock::ingest::rtsp {
namespace {

class AudioStartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store::StoreOptions options;
    options.directory = "/store";
    options.segment_bytes = 4u << 20;
    store_ = store::Store::Open(options, disk_, SystemClock()).value();
    registry_ = std::make_unique<PublicationRegistry>(*store_, SystemClock(), RecordingOptions());
    server_ = std::make_unique<Server>(loops_, keys_, *registry_, SystemClock());
    port_ = server_->Listen("127.0.0.1", 0).value().port;
  }
  void TearDown() override {
    server_->Stop();
    SyncWait(registry_->Drain());
    server_.reset();
    registry_.reset();
    SyncWait(store_->Close());
  }

  // Three seconds of both, each from its own time on. The stored frames of the first run.
  std::vector<fragmenter::Frame> Push(const std::string& stream, const std::string& video_after,
                                      const std::string& audio_after) {
    const std::string url = fmt::format("rtsp://127.0.0.1:{}/{}", port_, stream);
    ChildProcess ffmpeg({"ffmpeg",
                         "-nostdin",
                         "-v",
                         "warning",
                         "-re",
                         "-itsoffset",
                         video_after,
                         "-f",
                         "lavfi",
                         "-i",
                         "testsrc=size=320x240:rate=25",
                         "-re",
                         "-itsoffset",
                         audio_after,
                         "-f",
                         "lavfi",
                         "-i",
                         "sine=sample_rate=48000",
                         "-t",
                         "3",
                         "-c:v",
                         "libx264",
                         "-preset",
                         "ultrafast",
                         "-tune",
                         "zerolatency",
                         "-g",
                         "25",
                         "-c:a",
                         "aac",
                         "-f",
                         "rtsp",
                         "-rtsp_transport",
                         "tcp",
                         url});
    EXPECT_EQ(ffmpeg.Wait(), 0) << ffmpeg.Output();
    SyncWait(registry_->Drain());
    std::vector<fragmenter::Frame> out;
    const auto info = store_->GetStream(StreamName::Parse(stream).value());
    if (!info) return out;
    const auto shard = store_->OpenShard(info->shard);
    const std::vector<store::ItemRef> items =
        SyncWait(shard->Find(store::FromOldest(), 1000)).value();
    for (const store::ItemRef& item : items) {
      if (item.header.run != items[0].header.run) break;
      const auto table = fragmenter::FrameTable::Decode(SyncWait(shard->ReadMeta(item)).value());
      out.insert(out.end(), table->frames.begin(), table->frames.end());
    }
    return out;
  }
  static int64_t FirstOf(uint32_t track, const std::vector<fragmenter::Frame>& frames) {
    const auto found = std::ranges::find(frames, track, &fragmenter::Frame::track);
    return found == frames.end() ? -1 : found->dts;
  }
  static void ExpectSamplesCounted(const std::vector<fragmenter::Frame>& frames) {
    std::optional<int64_t> next;
    size_t count = 0;
    for (const fragmenter::Frame& frame : frames) {
      if (frame.track != 2) continue;
      if (next) {
        EXPECT_EQ(frame.dts, *next);
      }
      next = frame.dts + 1024;
      ++count;
    }
    EXPECT_GT(count, 100u);
  }

  net::EventLoops loops_{1};
  penstock::testing::FaultDisk disk_;
  OneKey keys_{true};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<PublicationRegistry> registry_;
  std::unique_ptr<Server> server_;
  uint16_t port_ = 0;
};

TEST_F(AudioStartTest, SoundThatBeginsLaterKeepsItsPlaceWithItsPrimingBeforeIt) {
  const std::vector<fragmenter::Frame> frames = Push("picture-first", "0", "0.4");
  EXPECT_EQ(FirstOf(1, frames), 0);
  // The sound is at 400 ms; 1,024 samples of priming before it.
  EXPECT_NEAR(static_cast<double>(FirstOf(2, frames)), 0.4 * 48'000 - 1024, 2 * 48);
  ExpectSamplesCounted(frames);
}

TEST_F(AudioStartTest, SoundFromBeforeThePictureIsLeftOutAndBothBeginTogether) {
  const std::vector<fragmenter::Frame> frames = Push("sound-first", "0.4", "0");
  EXPECT_EQ(FirstOf(1, frames), 0);
  EXPECT_EQ(FirstOf(2, frames), 0);
  ExpectSamplesCounted(frames);
  // Both were made up to the same instant, so that they end together to a picture and a unit.
  double end_s[3] = {};
  for (const fragmenter::Frame& frame : frames)
    end_s[frame.track] = static_cast<double>(frame.dts) / (frame.track == 1 ? 90'000 : 48'000);
  EXPECT_NEAR(end_s[1], end_s[2], 0.062);
}

}  // namespace
}  // namespace penstock::ingest::rtsp
