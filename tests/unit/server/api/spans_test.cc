#include "server/api/spans.h"

namespace penstock::server {
namespace {

store::ItemHeader Fragment(int64_t start_ms, int64_t duration_ms, uint32_t bytes = 10) {
  store::ItemHeader item;
  item.server_time = ServerTimeFromMs(start_ms);
  item.duration = std::chrono::milliseconds(duration_ms);
  item.body_bytes = bytes;
  return item;
}

std::vector<std::pair<int64_t, int64_t>> Times(const SpanBuilder& builder) {
  std::vector<std::pair<int64_t, int64_t>> out;
  for (const Span& span : builder.spans()) out.emplace_back(ToMs(span.start), ToMs(span.end));
  return out;
}

using Expected = std::vector<std::pair<int64_t, int64_t>>;

TEST(SpanBuilderTest, FragmentsThatFollowEachOtherAreOneSpan) {
  SpanBuilder builder;
  builder.Add(Fragment(1000, 2000));
  builder.Add(Fragment(3000, 2000));
  builder.Add(Fragment(5900, 2000));  // late by less than a hole
  EXPECT_EQ(Times(builder), (Expected{{1000, 7900}}));
  EXPECT_EQ(builder.spans()[0].fragments, 3u);
  EXPECT_EQ(builder.spans()[0].bytes, 30u);
}

TEST(SpanBuilderTest, AHoleStartsANewSpan) {
  SpanBuilder builder;
  builder.Add(Fragment(0, 2000));
  builder.Add(Fragment(5001, 2000));
  EXPECT_EQ(Times(builder), (Expected{{0, 2000}, {5001, 7001}}));
}

TEST(SpanBuilderTest, AGapStartsANewSpanHoweverShort) {
  SpanBuilder builder;
  builder.Add(Fragment(0, 2000));
  store::ItemHeader gap = Fragment(2000, 10);
  gap.kind = store::ItemKind::kGap;
  builder.Add(gap);
  builder.Add(Fragment(2010, 2000));
  EXPECT_EQ(Times(builder), (Expected{{0, 2000}, {2010, 4010}}));
}

TEST(SpanBuilderTest, WhatHasGoneStartsANewSpanHoweverShort) {
  SpanBuilder builder;
  builder.Add(Fragment(0, 2000));
  builder.Break();
  builder.Add(Fragment(4000, 2000));
  builder.Add(Fragment(6000, 2000));
  EXPECT_EQ(Times(builder), (Expected{{0, 2000}, {4000, 8000}}));
}

TEST(SpanBuilderTest, WhatIsNotStoredIsNotInASpan) {
  SpanBuilder builder;
  store::ItemHeader dropped = Fragment(0, 2000);
  dropped.flags = store::kFlagDropped;
  builder.Add(dropped);
  store::ItemHeader abandoned = Fragment(2000, 0);
  abandoned.kind = store::ItemKind::kAbandoned;
  builder.Add(abandoned);
  EXPECT_TRUE(builder.spans().empty());
}

TEST(SpanBuilderTest, AnOverlapDoesNotShortenASpan) {
  SpanBuilder builder;
  builder.Add(Fragment(0, 10'000));
  builder.Add(Fragment(2000, 1000));
  EXPECT_EQ(Times(builder), (Expected{{0, 10'000}}));
}

}  // namespace
}  // namespace penstock::server
