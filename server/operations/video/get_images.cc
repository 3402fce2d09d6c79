// Pictures of a stream at points in time, as JPEG or PNG.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/limits.h"
#include "playback/images/image_service.h"
#include "playback/images/sampling.h"
#include "server/auth/hex.h"
#include "server/operations/page_token.h"
#include "server/operations/video/configuration_shapes.h"
#include "server/operations/video/image_settings.h"
#include "server/operations/video/operations.h"
#include "server/wire/timestamp.h"
#include "store/millisecond_range.h"

namespace penstock::server::aws::video {
namespace {

using playback::PlacedFragment;
using playback::TimeAxis;

constexpr std::string_view kTokenKind = "images";
// As at Amazon: whoever asks for more gets so many, and the rest with the next page.
constexpr int64_t kPageMax = 25;
constexpr int64_t kRangeMaxUs = 300'000'000;
constexpr int64_t kIntervalDefaultMs = 3000;
// A page ends early where it grows too large (Amazon: 100 MB) or its pictures take long to decode:
// clients give up on an answer after a minute.
constexpr size_t kPageBytesMax = 24u << 20;
constexpr std::chrono::seconds kPageTimeMax{15};
// Fragments that are looked up at a time.
constexpr size_t kFragmentsStep = 1000;

constexpr Shape kLimit{.kind = Kind::kInteger, .min = 1, .max = 100};
constexpr Shape kToken{.min = 1, .max = 4096, .pattern = &wire::kBase64};
constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
    {"ImageSelectorType", &kTimeAxisShape, true},
    {"StartTimestamp", &kTimestampShape, true},
    {"EndTimestamp", &kTimestampShape, true},
    {"SamplingInterval", &kIntervalShape},
    {"Format", &kImageFormatShape, true},
    {"FormatConfig", &kFormatConfigShape},
    {"WidthPixels", &kWidthShape},
    {"HeightPixels", &kHeightShape},
    {"MaxResults", &kLimit},
    {"NextToken", &kToken},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

constexpr ErrorName kErrors[] = {
    {ErrorCode::kConflict, "NoDataRetentionException"},
};

Error Invalid(const char* words) { return Error(ErrorCode::kInvalidArgument, words); }

// The points: from, from + interval, ... up to and including to.
struct Request {
  TimeAxis axis = TimeAxis::kServer;
  int64_t from_us = 0;
  int64_t to_us = 0;
  int64_t interval_us = 0;
  size_t limit = kPageMax;
  size_t first = 0;  // the point this page begins with
  playback::ImageForm form;

  size_t points() const { return static_cast<size_t>((to_us - from_us) / interval_us) + 1; }
  int64_t At(size_t point) const { return from_us + static_cast<int64_t>(point) * interval_us; }
};

// Which points these are, and of what. How they are to look may change from page to page.
std::string PointsOf(const Request& request, const ShardId& shard) {
  return fmt::format("{} {} {} {} {}", shard.ToString(),
                     request.axis == TimeAxis::kServer ? 's' : 'p', request.from_us, request.to_us,
                     request.interval_us);
}

std::string TokenOf(const Request& request, const ShardId& shard, size_t next) {
  return MakePageToken(kTokenKind, {PointsOf(request, shard), std::to_string(next)});
}

Status ReadToken(std::string_view token, const ShardId& shard, Request& request) {
  PS_TRY(const std::vector<std::string> fields, ReadPageToken(token, kTokenKind, 2));
  const std::string& next = fields[1];
  const auto [end, failure] =
      std::from_chars(next.data(), next.data() + next.size(), request.first);
  const bool good = failure == std::errc() && end == next.data() + next.size() &&
                    fields[0] == PointsOf(request, shard) && request.first < request.points();
  if (!good) return Invalid("NextToken is not one of this request.");
  return Status();
}

Result<Request> ReadRequest(const Json& input, const ShardId& shard) {
  Request request;
  if (input["ImageSelectorType"].AsString() == kByProducerTime) request.axis = TimeAxis::kProducer;
  PS_TRY(request.from_us, wire::ParseTimestamp(input["StartTimestamp"]));
  PS_TRY(request.to_us, wire::ParseTimestamp(input["EndTimestamp"]));
  if (request.to_us < request.from_us) return Invalid("EndTimestamp is before StartTimestamp.");
  if (request.to_us - request.from_us > kRangeMaxUs)
    return Invalid("EndTimestamp has to be within 300 seconds after StartTimestamp.");
  request.interval_us = input["SamplingInterval"].AsInt(kIntervalDefaultMs) * 1000;
  PS_TRY(request.form, ReadImageForm(input));
  if (request.form.size.width != 0 && request.form.size.height == 0)
    return Invalid("WidthPixels has to come with HeightPixels.");
  request.limit = static_cast<size_t>(std::min(input["MaxResults"].AsInt(kPageMax), kPageMax));
  const std::string_view token = input["NextToken"].AsString();
  if (!token.empty()) PS_TRY_VOID(ReadToken(token, shard, request));
  return request;
}

store::TimeRange RangeOf(TimeAxis axis, int64_t from_us, int64_t to_us) {
  return axis == TimeAxis::kServer ? store::ServerMilliseconds(from_us, to_us)
                                   : store::ProducerMilliseconds(from_us, to_us);
}

// All that may be on at the points [first, end), by when they began.
Task<Result<std::vector<PlacedFragment>>> FindFragments(std::shared_ptr<store::Shard> shard,
                                                        Request request, size_t end) {
  const int64_t from_us =
      request.At(request.first) - std::chrono::microseconds(playback::kFragmentReach).count();
  const int64_t to_us =
      request.At(end - 1) + std::chrono::microseconds(limits::kPauseNoHole).count();
  std::vector<PlacedFragment> out;
  std::optional<store::RangePlace> after;
  while (true) {
    store::TimeRange range = RangeOf(request.axis, from_us, to_us);
    PS_CO_TRY(auto found, co_await shard->FindStarted(std::move(range), after, kFragmentsStep));
    for (store::ItemRef& ref : found) {
      after.emplace();
      after->ordinal = ref.header.ordinal;
      after->index = ref.header.number.index;
      after->producer_time = ref.header.producer_time;
      const int64_t start_us = playback::StartOn(request.axis, ref.header);
      out.push_back(PlacedFragment{std::move(ref), start_us});
    }
    if (found.size() < kFragmentsStep) break;
  }
  std::ranges::stable_sort(out, {}, &PlacedFragment::start_us);
  co_return out;
}

// An answer's list as it grows; JSON.
class Images {
 public:
  void Add(int64_t at_us, std::string_view error, ByteSpan content = {}) {
    Json head;
    head.Set("TimeStamp", wire::ToTimestamp(ProducerTimeFromUs(at_us)));
    head.Set("Error", error.empty() ? Json() : Json(error));
    std::string text = head.Dump();
    text.pop_back();  // its brace: more follows
    text_ += text_.empty() ? "" : ",";
    text_ += text;
    text_ += content.empty() ? R"(,"ImageContent":null})"
                             : R"(,"ImageContent":")" + ToBase64(content) + "\"}";
  }
  size_t bytes() const { return text_.size(); }
  net::HttpResponse Answer(const Json& next) && {
    return net::HttpResponse(
        200, "application/json",
        R"({"Images":[)" + std::move(text_) + R"(],"NextToken":)" + next.Dump() + "}");
  }

 private:
  std::string text_;
};

// The images of one fragment; an error is of all of them.
Task<Result<playback::ImageService::Images>> Make(Services& services,
                                                  std::shared_ptr<store::Shard> shard,
                                                  store::ItemRef item,
                                                  std::vector<std::chrono::microseconds> after,
                                                  playback::ImageForm form) {
  const size_t count = after.size();
  auto made = co_await services.aws.images->Get(shard, std::move(item), std::move(after), form);
  if (made.ok()) co_return made;
  // Retention went by meanwhile.
  const ErrorCode code = made.error().code();
  if (code != ErrorCode::kTrimmed && code != ErrorCode::kNotFound) co_return made;
  co_return playback::ImageService::Images(count, made.error());
}

std::string_view NameOf(const Error& error) {
  const bool gone = error.code() == ErrorCode::kTrimmed || error.code() == ErrorCode::kNotFound;
  return gone ? "NO_MEDIA" : "MEDIA_ERROR";
}

Task<Outcome> Run(Services& services, Call call) {
  if (call.stream->info.retention_hours == 0)
    co_return Error(ErrorCode::kConflict, "Data retention is not enabled for the stream.");
  const std::shared_ptr<store::Shard> shard = call.stream->shard;
  PS_CO_TRY(const Request request, ReadRequest(call.input, shard->id()));
  const size_t end = std::min(request.first + request.limit, request.points());
  PS_CO_TRY(const auto fragments, co_await FindFragments(shard, request, end));
  const SteadyTime until = services.clock.SteadyNow() + kPageTimeMax;
  Images images;
  size_t point = request.first;
  while (point < end && images.bytes() < kPageBytesMax &&
         (point == request.first || services.clock.SteadyNow() < until)) {
    const PlacedFragment* const fragment = FragmentAt(fragments, request.At(point));
    if (fragment == nullptr) {
      images.Add(request.At(point++), "NO_MEDIA");
      continue;
    }
    // What lies in one fragment is decoded in one go.
    std::vector<std::chrono::microseconds> after;
    for (size_t i = point; i < end && FragmentAt(fragments, request.At(i)) == fragment; ++i)
      after.emplace_back(request.At(i) - fragment->start_us);
    PS_CO_TRY(const auto made,
              co_await Make(services, shard, fragment->item, std::move(after), request.form));
    for (size_t i = 0; i < made.size() && images.bytes() < kPageBytesMax; ++i, ++point) {
      if (made[i].ok()) {
        images.Add(request.At(point), "", *made[i]);
      } else {
        images.Add(request.At(point), NameOf(made[i].error()));
      }
    }
  }
  const Json next = point < request.points() ? Json(TokenOf(request, shard->id(), point)) : Json();
  co_return std::move(images).Answer(next);
}

}  // namespace

constinit const Operation kGetImages{"GetImages",       "/getImages", &kInput,
                                     Resource::kStream, Run,          kErrors};

}  // namespace penstock::server::aws::video
