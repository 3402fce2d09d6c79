#include "server/api/matroska_export.h"

#include <gtest/gtest.h>

#include "fragmenter/media.h"
#include "fragmenter/mkv/cluster_writer.h"

namespace penstock::server {
namespace {

TEST(MatroskaExportTest, NothingButTheTimeStampChanges) {
  fragmenter::mkv::ClusterWriter writer(7000);
  writer.AddFrame(1, 0, true, AsBytes("frame"));
  const Bytes before = writer.Finish().Flatten();
  const auto changed = WithTimestamp(ByteChain(before), 0x0102030405060708);
  ASSERT_TRUE(changed.ok());
  const Bytes after = changed->Flatten();
  ASSERT_EQ(after.size(), before.size());
  for (size_t i = 0; i < before.size(); ++i) {
    const size_t in_stamp = i - fragmenter::kClusterTimestampOffset;
    EXPECT_EQ(after.data()[i], in_stamp < 8 ? in_stamp + 1 : before.data()[i]) << i;
  }
}

std::string Changed(std::string_view cluster, int64_t time) {
  const auto changed = WithUploadTimestamp(ByteChain(Bytes::Copy(cluster)), time);
  return changed.ok() ? std::string(changed->Flatten().text()) : changed.error().ToString();
}

TEST(MatroskaExportTest, AnUploadedClusterGetsRoomForItsTime) {
  using namespace std::string_literals;
  // Timestamp 5 in one byte, and a frame's bytes; a known and an unknown size.
  const std::string known = "\x1f\x43\xb6\x75\x85\xe7\x81\x05xy"s;
  EXPECT_EQ(Changed(known, 200), "\x1f\x43\xb6\x75\x85\xe7\x81\xc8xy"s);
  EXPECT_EQ(Changed(known, 0x1234),
            "\x1f\x43\xb6\x75\x01\0\0\0\0\0\0\x0c\xe7\x88\0\0\0\0\0\0\x12\x34xy"s);
  const std::string open = "\x1f\x43\xb6\x75\xff\xe7\x81\x05xy"s;
  EXPECT_EQ(Changed(open, 0x1234),
            "\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff\xe7\x88\0\0\0\0\0\0\x12\x34xy"s);
}

TEST(MatroskaExportTest, AChecksumGoesWithWhatItWasOf) {
  using namespace std::string_literals;
  const std::string cluster =
      "\x1f\x43\xb6\x75\x8b\xbf\x84"
      "crc!\xe7\x81\x05xy"s;
  EXPECT_EQ(Changed(cluster, 6),
            "\x1f\x43\xb6\x75\x01\0\0\0\0\0\0\x0c\xe7\x88\0\0\0\0\0\0\0\x06xy"s);
}

TEST(MatroskaExportTest, ABodyThatIsNoClusterIsACorruption) {
  const auto changed = WithTimestamp(ByteChain(Bytes::Copy("short")), 0);
  EXPECT_EQ(changed.error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(WithUploadTimestamp(ByteChain(Bytes::Copy("short")), 0).error().code(),
            ErrorCode::kCorruption);
}

}  // namespace
}  // namespace penstock::server
