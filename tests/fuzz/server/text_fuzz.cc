// Values that come as text, wherever they stand: names and numbers of streams and fragments, ARNs,
// times, URLs, sealed tokens. What is read is written as it came, or says the same.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/ids.h"
#include "base/time.h"
#include "server/auth/session_token.h"
#include "server/operations/aws_context.h"
#include "server/operations/video/producer_start.h"
#include "server/operations/video/resource_arn.h"
#include "server/operations/video/stream_arn.h"
#include "server/outgoing/http_url.h"
#include "server/wire/timestamp.h"

namespace {

using namespace penstock;
using namespace penstock::server;
namespace video = penstock::server::aws::video;

void TryIds(std::string_view text) {
  const auto name = StreamName::Parse(text);
  if (name.ok()) CHECK(name->text() == text);
  const auto shard = ShardId::Parse(text);
  if (shard.ok()) CHECK(ShardId::Parse(shard->ToString())->ToString() == shard->ToString());
  const auto number = FragmentNumber::Parse(text);
  if (number.ok()) CHECK(FragmentNumber::Parse(number->ToString())->index == number->index);
}

void TryArns(std::string_view text) {
  const auto stream = video::ParseStreamArn(text);
  const auto resource = video::ParseResourceArn(text);
  if (stream.ok()) {
    CHECK(resource.ok());
    CHECK(resource->kind == video::ResourceKind::kStream);
    CHECK(resource->name.text() == stream->name.text());
    CHECK(resource->created == stream->created);
  }
  if (resource.ok()) CHECK(text.ends_with(std::to_string(ToMs(resource->created))));
}

void TryTimes(std::string_view text) {
  const auto time = ParseTime(text);
  // Years of four digits.
  constexpr int64_t kFirstMs = -62'135'596'800'000;
  constexpr int64_t kLastMs = 253'402'300'799'999;
  if (time.ok() && ToMs(*time) >= kFirstMs && ToMs(*time) <= kLastMs)
    CHECK(*ParseTime(FormatRfc3339(*time)) == *time);
  for (const bool short_is_ms : {false, true}) {
    const auto start = video::ParseProducerStart(text, short_is_ms);
    if (!start.ok()) CHECK(!start.error().message().empty());
  }
  const auto stamp = wire::ParseTimestamp(Json(std::string(text)));
  if (stamp.ok()) CHECK(time.ok());
}

void TryUrl(std::string_view text) {
  const auto url = HttpUrl::Parse(text);
  CHECK(IsHttpUrl(text) || !url.ok());
  if (!url.ok()) return;
  CHECK(url->target.starts_with('/'));
  CHECK(url->port != 0);
  // Nothing of it can begin a line of a request.
  CHECK((url->Authority() + url->target).find_first_of("\r\n ") == std::string::npos);
  const auto again = HttpUrl::Parse(url->Place() + url->target);
  CHECK(again.ok());
  CHECK(again->host == url->host);
  CHECK(again->port == url->port);
  CHECK(again->target == url->target);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  TryIds(text);
  TryArns(text);
  TryTimes(text);
  TryUrl(text);
  // Nobody finds one that opens.
  static const SessionTokens tokens{MasterKey(std::array<uint8_t, 32>{})};
  CHECK(!tokens.Open(text));
  CHECK(tokens.Open(tokens.Seal(text)) == text);
  return 0;
}
