#include "server/api/matroska_export.h"

#include <gtest/gtest.h>

#include "base/byte_io.h"
#include "fragmenter/media.h"

namespace penstock::server {
namespace {

TEST(MatroskaExportTest, NothingButTheTimeStampChanges) {
  ByteWriter writer;
  writer.Zero(fragmenter::kClusterTimestampOffset);
  writer.Be<int64_t>(7000);
  writer.Text("frames");
  const Bytes before = writer.Take();
  const auto changed = WithTimestamp(ByteChain(before), 0x0102030405060708);
  ASSERT_TRUE(changed.ok());
  const Bytes after = changed->Flatten();
  ASSERT_EQ(after.size(), before.size());
  for (size_t i = 0; i < before.size(); ++i) {
    const size_t in_stamp = i - fragmenter::kClusterTimestampOffset;
    EXPECT_EQ(after.data()[i], in_stamp < 8 ? in_stamp + 1 : before.data()[i]) << i;
  }
}

TEST(MatroskaExportTest, ABodyThatIsNoClusterIsACorruption) {
  const auto changed = WithTimestamp(ByteChain(Bytes::Copy("short")), 0);
  EXPECT_EQ(changed.error().code(), ErrorCode::kCorruption);
}

}  // namespace
}  // namespace penstock::server
