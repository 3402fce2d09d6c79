#include "fragmenter/ebml/reader.h"

#include "fragmenter/ebml/ids.h"
#include "fragmenter/mkv/cluster_writer.h"
#include "fragmenter/mkv/element_writer.h"
#include "tests/unit/fragmenter/media_clip.h"

namespace penstock::fragmenter::ebml {
namespace {

struct Reading {
  std::string events;
  Status status;
};

std::string Describe(const Event& event) {
  std::ostringstream out;
  out << std::hex << event.id << std::dec << '@' << event.offset;
  switch (event.kind) {
    case Event::Kind::kOpen:
      out << '{' << (event.size ? std::to_string(*event.size) : "?");
      break;
    case Event::Kind::kClose:
      out << '}';
      break;
    case Event::Kind::kValue:
      out << '=' << event.value.size() << ':' << event.Uint();
      break;
    case Event::Kind::kFrame:
      out << " track " << event.track << " at " << event.relative_time
          << (event.key ? " key " : " ") << event.data_offset << '+' << event.data_size;
      break;
  }
  return out.str() + '\n';
}

// In pieces of `piece` bytes.
Reading Read(ByteSpan bytes, size_t piece = SIZE_MAX) {
  Reading reading;
  Reader reader;
  while (!bytes.empty()) {
    ByteSpan input = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(input.size());
    for (;;) {
      const Result<std::optional<Event>> next = reader.Next(input);
      if (!next.ok()) {
        reading.status = next.error();
        return reading;
      }
      if (!*next) break;
      reading.events += Describe(**next);
    }
  }
  reading.status = reader.Finish();
  return reading;
}

Bytes SmallCluster() {
  mkv::ClusterWriter writer(1000);
  writer.AddFrame(1, 0, true, AsBytes("picture"));
  writer.AddFrame(2, -5, true, AsBytes("sound"));
  return writer.Finish().Flatten();
}

TEST(EbmlReader, AClusterOfOursIsReadBackElementByElement) {
  const Reading reading = Read(SmallCluster());
  ASSERT_TRUE(reading.status.ok()) << reading.status.error().ToString();
  EXPECT_EQ(reading.events,
            "1f43b675@0{34\n"
            "e7@12=8:1000\n"
            "a3@22 track 1 at 0 key 28+7\n"
            "a3@35 track 2 at -5 key 41+5\n"
            "1f43b675@46}\n");
}

TEST(ClusterWriter, GoldenBytes) {
  const std::vector<uint8_t> expected = {
      0x1f, 0x43, 0xb6, 0x75,                       // Cluster
      0x01, 0,    0,    0,    0,   0,   0,   34,    //   34 bytes
      0xe7, 0x88,                                   //   Timestamp, 8 bytes
      0,    0,    0,    0,    0,   0,   3,   0xe8,  //     1000 ms
      0xa3, 0x8b,                                   //   SimpleBlock, 11 bytes
      0x81, 0,    0,    0x80,                       //     track 1, +0 ms, key
      'p',  'i',  'c',  't',  'u', 'r', 'e',        //     the frame
      0xa3, 0x89,                                   //   SimpleBlock, 9 bytes
      0x82, 0xff, 0xfb, 0x80,                       //     track 2, -5 ms, key
      's',  'o',  'u',  'n',  'd',                  //     the frame
  };
  const Bytes bytes = SmallCluster();
  EXPECT_EQ(std::vector<uint8_t>(bytes.span().begin(), bytes.span().end()), expected);
  EXPECT_EQ(bytes.data()[kClusterTimestampOffset + 7], 0xe8);
}

TEST(EbmlReader, PiecesOfAnySizeGiveTheSameEvents) {
  penstock::testing::TempDir dir;
  const std::string folder = dir.path();
  using namespace fragmenter::testing;  // NOLINT
  Shell(
      "ffmpeg -v error -y -f lavfi -i testsrc2=size=64x64:rate=10 -f lavfi -i sine -t 1 -c:v "
      "libx264 -c:a aac -f matroska -live 1 " +
      folder + "/live.mkv 2>&1");
  Shell("ffmpeg -v error -y -f lavfi -i testsrc2=size=64x64:rate=10 -t 1 -c:v libx264 " + folder +
        "/file.mkv 2>&1");
  for (const std::string name : {"/live.mkv", "/file.mkv"}) {
    std::ifstream file(folder + name, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    const Reading whole = Read(AsBytes(text));
    ASSERT_TRUE(whole.status.ok()) << whole.status.error().ToString();
    EXPECT_NE(whole.events.find("a3@"), std::string::npos) << "blocks";
    for (const size_t piece : {1, 2, 3, 7, 64, 1000}) {
      const Reading pieces = Read(AsBytes(text), piece);
      EXPECT_TRUE(pieces.status.ok());
      EXPECT_EQ(pieces.events, whole.events) << piece;
    }
  }
}

TEST(EbmlReader, AClusterOfUnknownSizeEndsWhereTheNextBegins) {
  mkv::ElementWriter out;
  out.OpenEnded(kSegment);
  for (int i = 0; i < 2; ++i) {
    out.OpenEnded(kCluster);
    out.Uint(kTimestamp, 7);
    out.Binary(kSimpleBlock, AsBytes(std::string_view("\x81\0\0\x80x", 5)));
  }
  const Reading reading = Read(out.Take());
  ASSERT_TRUE(reading.status.ok());
  EXPECT_EQ(reading.events,
            "18538067@0{?\n"
            "1f43b675@12{?\n"
            "e7@24=1:7\n"
            "a3@27 track 1 at 0 key 33+1\n"
            "1f43b675@34}\n"
            "1f43b675@34{?\n"
            "e7@46=1:7\n"
            "a3@49 track 1 at 0 key 55+1\n");
}

TEST(EbmlReader, EveryTruncationIsNoticed) {
  const Bytes bytes = SmallCluster();
  for (size_t size = 1; size < bytes.size(); ++size)
    EXPECT_FALSE(Read(bytes.span().first(size)).status.ok()) << size;
}

TEST(EbmlReader, LacingIsRefused) {
  Bytes bytes = SmallCluster();
  std::vector<uint8_t> laced(bytes.span().begin(), bytes.span().end());
  laced[27] |= 0x02;
  const Reading reading = Read(laced);
  ASSERT_FALSE(reading.status.ok());
  EXPECT_EQ(reading.status.error().code(), ErrorCode::kUnsupported);
}

TEST(EbmlReader, AChildLargerThanItsParentIsRefused) {
  Bytes bytes = SmallCluster();
  std::vector<uint8_t> wrong(bytes.span().begin(), bytes.span().end());
  wrong[11] = 30;
  EXPECT_EQ(Read(wrong).status.error().code(), ErrorCode::kProtocol);
}

TEST(EbmlReader, AHugeValueAsksForNoMemory) {
  mkv::ElementWriter out;
  out.OpenEnded(kSegment);
  const Bytes segment = out.Take();
  std::vector<uint8_t> bytes(segment.span().begin(), segment.span().end());
  const std::vector<uint8_t> claim = {0x63, 0xa2, 0x01, 0, 0, 0, 0xff, 0, 0, 0};
  bytes.insert(bytes.end(), claim.begin(), claim.end());
  EXPECT_EQ(Read(bytes).status.error().code(), ErrorCode::kTooLarge);
}

TEST(EbmlReader, OtherFilesAreRefusedAtTheFirstElement) {
  EXPECT_FALSE(Read(AsBytes("RIFF....AVI ")).status.ok());
  EXPECT_FALSE(Read(AsBytes(std::string_view("\0\0\0\x18"
                                             "ftypisom",
                                             12)))
                   .status.ok());
}

}  // namespace
}  // namespace penstock::fragmenter::ebml
