#include "playback/mkv_export.h"

#include "tests/unit/playback/real_media.h"

namespace penstock::playback {
namespace {

class MkvExport : public RecordedMedia {
 protected:
  std::string Export(const ExportDocument& document, const std::string& file) {
    const std::string path = (folder() / file).string();
    out_.open(path, std::ios::binary);
    ExportSink sink = [this](ByteChain bytes) { return Write(std::move(bytes)); };
    ExportProgressCallback on_progress = [this](const ExportProgress& now) { last_ = now; };
    const Result<ExportProgress> done =
        SyncWait(WriteExportDocument(shard_, document, sink, on_progress, CancelToken()));
    out_.close();
    EXPECT_TRUE(done.ok());
    if (done.ok()) {
      EXPECT_EQ(done->fragments_done, last_.fragments_done);
      EXPECT_EQ(done->bytes_written, std::filesystem::file_size(path));
    }
    return path;
  }
  Task<Status> Write(ByteChain bytes) {
    for (const Bytes& piece : bytes.pieces()) out_ << piece.text();
    co_return Status();
  }
  ExportPlan Plan() {
    return SyncWait(
               PlanExport(shard_, ServerTimeFromMs(kNoonMs), ServerTimeFromMs(kNoonMs + 900'000)))
        .value();
  }

  std::ofstream out_;
  ExportProgress last_;
};

double FirstPts(const std::string& path) {
  return std::stod(
      RunCommand("ffprobe -v error -show_entries format=start_time -of csv=p=0 " + path));
}

double LastPts(const std::string& path) {
  std::istringstream lines(RunCommand(
      "ffprobe -v error -select_streams v -show_entries packet=pts_time -of csv=p=0 " + path));
  double last = 0;
  for (double pts; lines >> pts;) last = std::max(last, pts);
  return last;
}

TEST_F(MkvExport, TheDocumentStartsAtZeroAndHasTheSourcesPackets) {
  const Clip clip = MakeClip(folder() / "clip.mp4", "320x180", 4);
  Record(*shard_, clip, 0, ServerTimeFromMs(kNoonMs));
  const ExportPlan plan = Plan();
  ASSERT_EQ(plan.documents.size(), 1u);
  const std::string path = Export(plan.documents[0], "out.mkv");
  EXPECT_TRUE(Probe(path) == Probe(clip.path));
  EXPECT_EQ(FirstPts(path), 0.0);
  EXPECT_NEAR(LastPts(path), 3.96, 0.01);
  EXPECT_EQ(last_.fragments_done, 4u);
}

TEST_F(MkvExport, AHoleTakesNoTime) {
  const Clip clip = MakeClip(folder() / "clip.mp4", "320x180", 2);
  Record(*shard_, clip, 0, ServerTimeFromMs(kNoonMs));
  RecordHole(*shard_, ServerTimeFromMs(kNoonMs + 2000));
  Record(*shard_, clip, 1, ServerTimeFromMs(kNoonMs + 302'000));
  // The same tracks: the store finds the same set again.
  for (auto& item : shard_->items) {
    if (item.header.track_set != 0) item.header.track_set = 1;
  }
  const ExportPlan plan = Plan();
  ASSERT_EQ(plan.documents.size(), 1u);
  EXPECT_EQ(plan.gaps, 1u);
  const std::string path = Export(plan.documents[0], "out.mkv");
  // The second run follows where the first one's sound ends, a few frames after its picture.
  EXPECT_NEAR(LastPts(path), 2 + 1.96, 0.15);
}

TEST_F(MkvExport, AChangeOfTracksBeginsAnotherDocument) {
  const Clip small = MakeClip(folder() / "small.mp4", "320x180", 2);
  const Clip large = MakeClip(folder() / "large.mp4", "640x360", 2);
  Record(*shard_, small, 0, ServerTimeFromMs(kNoonMs));
  Record(*shard_, large, 1, ServerTimeFromMs(kNoonMs + 2000));
  const ExportPlan plan = Plan();
  ASSERT_EQ(plan.documents.size(), 2u);
  EXPECT_TRUE(Probe(Export(plan.documents[0], "1.mkv")) == Probe(small.path));
  const std::string second = Export(plan.documents[1], "2.mkv");
  EXPECT_TRUE(Probe(second) == Probe(large.path));
  EXPECT_EQ(FirstPts(second), 0.0);
}

TEST_F(MkvExport, AFragmentThatIsLostMeanwhileIsLeftOutAndCounted) {
  const Clip clip = MakeClip(folder() / "clip.mp4", "320x180", 3);
  Record(*shard_, clip, 0, ServerTimeFromMs(kNoonMs));
  const ExportPlan plan = Plan();
  shard_->oldest = 1;
  const std::string path = Export(plan.documents[0], "out.mkv");
  EXPECT_EQ(last_.fragments_lost, 1u);
  EXPECT_EQ(last_.fragments_done, 3u);
  EXPECT_EQ(FirstPts(path), 0.0);
}

Task<Status> Refuse(ByteChain) { co_return Error(ErrorCode::kFull, "no room"); }

TEST_F(MkvExport, AFullDiskEndsTheExportWithItsError) {
  Record(*shard_, MakeClip(folder() / "clip.mp4", "320x180", 1), 0, ServerTimeFromMs(kNoonMs));
  const ExportPlan plan = Plan();
  const Result<ExportProgress> done =
      SyncWait(WriteExportDocument(shard_, plan.documents[0], Refuse, nullptr, CancelToken()));
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code(), ErrorCode::kFull);
}

TEST_F(MkvExport, ACancelledExportStops) {
  Record(*shard_, MakeClip(folder() / "clip.mp4", "320x180", 1), 0, ServerTimeFromMs(kNoonMs));
  const ExportPlan plan = Plan();
  CancelSource cancel;
  cancel.Cancel();
  ExportSink sink = [](ByteChain) -> Task<Status> { co_return Status(); };
  const Result<ExportProgress> done =
      SyncWait(WriteExportDocument(shard_, plan.documents[0], sink, nullptr, cancel.token()));
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code(), ErrorCode::kCancelled);
}

TEST_F(MkvExport, ABadRangeIsRefused) {
  const auto plan = [&](int64_t start_ms, int64_t end_ms) {
    return SyncWait(PlanExport(shard_, ServerTimeFromMs(start_ms), ServerTimeFromMs(end_ms)));
  };
  EXPECT_EQ(plan(5, 5).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(plan(0, 86'400'001).error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(plan(0, 86'400'000).error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace penstock::playback
