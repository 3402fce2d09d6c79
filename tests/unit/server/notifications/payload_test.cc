#include "server/notifications/payload.h"

#include <gtest/gtest.h>

#include "tests/unit/server/notifications/fragments.h"

namespace penstock::server::notifications {
namespace {

ByteChain Chain(std::string text) { return ByteChain(Bytes::From(std::move(text))); }

std::string TagsOf(std::string behind) {
  const Fragment fragment = MakeFragment(behind);
  const auto tags = NotificationTags(Chain(fragment.body), fragment.meta);
  if (!tags.ok()) return tags.error().ToString();
  return *tags ? (*tags)->Dump() : "none";
}

TEST(NotificationPayloadTest, TheTagsBesideTheWishAreItsPayload) {
  EXPECT_EQ(TagsOf(""), "none");
  EXPECT_EQ(TagsOf(TagsElement({{"site", "gate-3"}})), "none") << "nobody asked";
  EXPECT_EQ(TagsOf(TagsElement(Wish({}))), "{}");
  EXPECT_EQ(TagsOf(TagsElement({{"other", "no"}}) +
                   TagsElement(Wish({{"site", "gate-3"}, {"a", "1"}, {"b", ""}})) +
                   TagsElement({{"later", "no"}})),
            R"({"site":"gate-3","a":"1","b":""})");
  EXPECT_EQ(TagsOf(TagsElement({{"site", "gate-3"},
                                {"AWS_KINESISVIDEO_IMAGE_GENERATION", ""},
                                {"AWS_KINESISVIDEO_NOTIFICATION", ""}})),
            R"({"site":"gate-3"})")
      << "wherever in its Tag, and without what is meant for us";
  EXPECT_EQ(TagsOf(TagsElement(Wish({{"a", "1"}})) + TagsElement(Wish({{"b", "2"}}))),
            R"({"a":"1","b":"2"})")
      << "one notification";
}

TEST(NotificationPayloadTest, WhatTheClusterStillHasBehindItsLastFrameIsPassedOver) {
  penstock::testing::UploadBody rest;
  rest.Uint(fragmenter::ebml::kBlockDuration, 40).Element(0xec, "void");
  EXPECT_EQ(TagsOf(rest.text() + TagsElement(Wish({{"a", "1"}}))), R"({"a":"1"})");
}

TEST(NotificationPayloadTest, AFragmentWithoutPlayableFramesIsReadFromItsBegin) {
  Fragment fragment = MakeFragment(TagsElement(Wish({{"a", "1"}})));
  const Bytes nothing = fragmenter::FrameTable().Encode();
  EXPECT_EQ((*NotificationTags(Chain(fragment.body), nothing))->Dump(), R"({"a":"1"})");
}

TEST(NotificationPayloadTest, WhatIsNotWhatWasStoredIsAnError) {
  const Fragment fragment = MakeFragment(TagsElement(Wish({})));
  EXPECT_FALSE(NotificationTags(Chain("short"), fragment.meta).ok());
  EXPECT_FALSE(NotificationTags(Chain(fragment.body), AsBytes("no table")).ok());
  const std::string cut = fragment.body.substr(0, fragment.body.size() - 1);
  EXPECT_FALSE(NotificationTags(Chain(cut), fragment.meta).ok());
}

TEST(NotificationPayloadTest, BytesThatAreNoCharactersAreReplaced) {
  EXPECT_EQ(TagsOf(TagsElement(Wish({{"\xff", "caf\xc3\xa9 \xc3(\xed\xa0\x80 \xf0\x9f\x93\xb7"}}))),
            "{\"\xef\xbf\xbd\":\"caf\xc3\xa9 \xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "
            "\xf0\x9f\x93\xb7\"}");
  EXPECT_EQ(TagsOf(TagsElement(Wish({{"a", std::string("b\0\0", 3)}}))), R"({"a":"b"})");
}

TEST(NotificationPayloadTest, TheTextIsThatOfKinesisVideoStreams) {
  store::ItemHeader item;
  item.number = FragmentNumber::Parse("91343852333181432392682062676631516128311303921").value();
  item.server_time = ServerTimeFromMs(1'768'478'402'123);
  item.producer_time = ProducerTimeFromUs(1'768'478'400'000'999);
  Json tags;
  tags.Set("site", "gate-3");
  EXPECT_EQ(
      NotificationPayload("arn:aws:kinesisvideo:us-west-2:123456789012:stream/cam-1/1768478300123",
                          item, tags),
      R"({"StreamArn":"arn:aws:kinesisvideo:us-west-2:123456789012:stream/cam-1/)"
      R"(1768478300123","FragmentNumber":"91343852333181432392682062676631516128311303921",)"
      R"("FragmentStartProducerTimestamp":1768478400000,)"
      R"("FragmentStartServerTimestamp":1768478402123,"NotificationType":"PERSISTED",)"
      R"("NotificationPayload":{"site":"gate-3"}})");
}

}  // namespace
}  // namespace penstock::server::notifications
