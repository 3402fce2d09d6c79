#include "server/operations/video/upload_ack.h"

#include <gtest/gtest.h>

namespace penstock::server::aws::video {
namespace {

using ingest::UploadAck;

UploadAck AckOf(UploadAck::Kind kind) {
  UploadAck ack;
  ack.kind = kind;
  ack.timecode = 1'768'478'400'000;
  ack.number = FragmentNumber{1, 1'768'478'402'123, 0xabcdef1};
  return ack;
}

TEST(UploadAckTest, AreFlatObjectsWithTheNamesThatClientsRead) {
  EXPECT_EQ(FormatAck(AckOf(UploadAck::Kind::kPersisted)),
            "{\"EventType\":\"PERSISTED\",\"FragmentTimecode\":1768478400000,\"FragmentNumber\":"
            "\"91343852333181432392682062676631516128311303921\"}\r\n");
  EXPECT_EQ(FormatAck(UploadAck()), "{\"EventType\":\"IDLE\"}\r\n");
  UploadAck error = AckOf(UploadAck::Kind::kError);
  error.fault = fragmenter::UploadFault::kFragmentTime;
  error.number.reset();
  EXPECT_EQ(FormatAck(error),
            "{\"EventType\":\"ERROR\",\"FragmentTimecode\":1768478400000,\"ErrorCode\":"
            "\"MAX_FRAGMENT_DURATION_REACHED\",\"ErrorId\":4002}\r\n");
}

TEST(UploadAckTest, FitTheSmallestBufferOfAnyClient) {
  UploadAck ack = AckOf(UploadAck::Kind::kError);
  ack.timecode = UINT64_MAX;
  ack.fault = fragmenter::UploadFault::kTimecode;
  EXPECT_LE(FormatAck(ack).size(), 1024u);
}

TEST(UploadAckTest, OnlyTheLibraryForJavaLosesJoinedOnes) {
  EXPECT_TRUE(LosesJoinedAcks("AWS-SDK-KVS/1.9.5 JAVA/17.0.15 Linux/6.18 amd64"));
  EXPECT_FALSE(LosesJoinedAcks("AWS-SDK-KVS/3.5.0 GCC/12.2.0 Linux/6.18 x86_64"));
  EXPECT_FALSE(LosesJoinedAcks("aws-sdk-java/1.12.162 Linux/6.18 JAVA/17"));
  EXPECT_FALSE(LosesJoinedAcks(""));
}

TEST(UploadAckTest, TheLastOneStandsAloneAndThoseBeforeItDoNotWait) {
  const SteadyTime before = SteadyTime() + std::chrono::hours(1);
  EXPECT_EQ(AckGoesAt(1, before), before + kAckApart);
  EXPECT_EQ(AckGoesAt(2, before), before);
  EXPECT_EQ(AckGoesAt(60, before), before);
}

}  // namespace
}  // namespace penstock::server::aws::video
