#include "server/api/coverage.h"
#include "server/api/operations.h"
#include "store/media_before.h"

namespace penstock::server {
namespace {

constexpr size_t kPage = 2048;
// Two days of two-second fragments: about a second of work. Who wants more goes on after `next`.
constexpr size_t kItemsMax = 86'400;

using Items = std::vector<store::ItemRef>;

// How far a coverage has come.
struct Reading {
  CoverageBuilder builder;
  std::optional<store::ItemHeader> newest;  // fragment or gap that was seen
  std::optional<uint64_t> last;             // ordinal that was seen
  bool reached_end = false;                 // nothing is behind it
  std::string next;                         // where to go on; empty: nowhere
};

// Where to begin.
struct Place {
  uint64_t ordinal = 0;
  // That item is not counted: it tells what comes before the next one, or ended another answer.
  enum class Is { kFirst, kBefore, kLastOfOther } is = Is::kFirst;
};

// The newest item before this one that is there: what lies between the two may have expired.
std::optional<uint64_t> ShownBefore(const store::ShardStatus& status, uint64_t ordinal) {
  if (ordinal == 0) return std::nullopt;
  if (status.Shows(ordinal - 1)) return ordinal - 1;
  for (auto held = status.held.rbegin(); held != status.held.rend(); ++held) {
    if (held->end_ordinal <= ordinal) return held->end_ordinal - 1;
  }
  return std::nullopt;
}

Task<Result<Place>> FindStart(std::shared_ptr<store::Shard> shard, ServerTime start) {
  const store::Selector from = store::FromServerTime{start};
  PS_CO_TRY(const Items found, co_await shard->Find(from, 1));
  const uint64_t first =
      found.empty() ? shard->GetStatus().next_ordinal : found.front().header.ordinal;
  PS_CO_TRY(auto before, co_await store::MediaBefore(shard, first));
  if (!before) {
    const std::optional<uint64_t> held = ShownBefore(shard->GetStatus(), first);
    if (held) {
      PS_CO_TRY(before, co_await store::MediaBefore(shard, *held + 1));
    }
  }
  Place place{first};
  if (before) place = Place{before->ordinal, Place::Is::kBefore};
  co_return place;
}

// Where another answer ended.
Task<Result<Place>> FindNext(std::shared_ptr<store::Shard> shard, FragmentNumber after) {
  const store::Selector from = store::AfterNumber{after.index};
  PS_CO_TRY(const Items found, co_await shard->Find(from, 1));
  const uint64_t next =
      found.empty() ? shard->GetStatus().next_ordinal : found.front().header.ordinal;
  const std::optional<uint64_t> last = ShownBefore(shard->GetStatus(), next);
  Place place;
  if (last) place = Place{*last, Place::Is::kLastOfOther};
  co_return place;
}

// Items from a place on, up to the first that begins at `end`.
Task<Result<Reading>> Read(std::shared_ptr<store::Shard> shard, Place first,
                           std::optional<ServerTime> end) {
  Reading reading;
  size_t seen = 0;
  for (uint64_t at = first.ordinal;;) {
    const store::Selector from = store::FromOrdinal{at};
    PS_CO_TRY(const Items items, co_await shard->Find(from, kPage));
    const uint64_t kept_from = shard->GetStatus().oldest_ordinal;
    bool ended = false;
    for (const store::ItemRef& item : items) {
      const store::ItemHeader& header = item.header;
      const bool follows = !reading.last || header.ordinal == *reading.last + 1;
      if (!follows) reading.builder.Skip(header.ordinal <= kept_from);
      reading.last = header.ordinal;
      const Place::Is is = header.ordinal == first.ordinal ? first.is : Place::Is::kFirst;
      if (is == Place::Is::kBefore) {
        reading.builder.Begin(header);
      } else if (is == Place::Is::kLastOfOther) {
        reading.builder.Continue(header);
      } else {
        reading.builder.Add(header);
      }
      if (header.kind == store::ItemKind::kAbandoned) continue;
      reading.newest = header;
      // It ends what lies before it.
      ended = end && header.server_time >= *end && is == Place::Is::kFirst;
      if (ended) break;
    }
    if (ended) break;
    reading.reached_end = items.size() < kPage;
    if (reading.reached_end) break;
    at = items.back().header.ordinal + 1;
    seen += items.size();
    if (seen >= kItemsMax && reading.newest) {
      reading.next = reading.newest->number.ToString();
      break;
    }
  }
  co_return std::move(reading);
}

std::string_view ReasonOf(const CoverageRange& range) {
  if (range.expired) return "expired";
  const bool known = range.reason != store::GapReason::kNone;
  return known ? store::GapReasonName(range.reason) : "unknown";
}

Json RangeToJson(const CoverageRange& range, bool open) {
  Json json;
  json.Set("start", FormatRfc3339(range.start));
  json.Set("end", FormatRfc3339(range.end));
  json.Set("duration_ms", (range.end - range.start).count());
  json.Set("stored", range.stored);
  if (range.stored) {
    json.Set("fragments", range.fragments);
    json.Set("bytes", range.bytes);
  } else {
    json.Set("reason", ReasonOf(range));
    json.Set("open", open);
  }
  return json;
}

// Up to when all of a stream has expired, if there is anything left behind it.
std::optional<ServerTime> ExpiredBefore(const store::StreamInfo& info,
                                        const store::ShardStatus& status) {
  if (info.retention_hours == 0) return std::nullopt;
  if (!status.held.empty()) {
    const store::HeldStretch& first = status.held.front();
    return first.first_ordinal > 0 ? std::optional(first.start) : std::nullopt;
  }
  if (!status.oldest || status.oldest_ordinal == 0) return std::nullopt;
  return status.oldest->server_time;
}

}  // namespace

Task<Outcome> DescribeCoverage(Services& services, Call call) {
  std::vector<std::string_view> known = {"start", "end", "after"};
  PS_CO_TRY_VOID(CheckQuery(call.request, std::move(known)));
  PS_CO_TRY(const auto start, QueryTime(call.request, "start"));
  PS_CO_TRY(const auto end, QueryTime(call.request, "end"));
  PS_CO_TRY(const OpenStream stream, FindStream(services, *call.stream));
  Place first;
  const std::string_view after = call.request.QueryValue("after");
  if (!after.empty()) {
    auto number = FragmentNumber::Parse(after);
    if (!number.ok()) co_return std::move(number).error().With("after");
    PS_CO_TRY(first, co_await FindNext(stream.shard, *number));
  } else if (start) {
    PS_CO_TRY(first, co_await FindStart(stream.shard, *start));
  }
  PS_CO_TRY(const Reading reading, co_await Read(stream.shard, first, end));
  const ServerTime now = services.clock.Now();
  const store::ShardStatus status = stream.shard->GetStatus();
  CoverageBuilder builder = reading.builder;
  bool open = false;
  // What is held is all there is: what came after it was too old to be here, or never was.
  if (reading.reached_end && reading.last && !status.oldest &&
      *reading.last + 1 < status.next_ordinal) {
    builder.Expired(now - std::chrono::hours(stream.info.retention_hours));
  }
  if (reading.reached_end && reading.newest) {
    const store::GapReason why =
        services.sources.WhyNothing(*call.stream, stream.shard->id(), reading.newest->ordinal);
    open = why != store::GapReason::kNone && (!end || now < *end);
    if (why != store::GapReason::kNone) builder.End(why, now);
  }
  const std::vector<CoverageRange> ranges = builder.Take(start, end);
  int64_t stored_ms = 0;
  int64_t missing_ms = 0;
  int64_t expired_ms = 0;
  Json list = Json(Json::Array());
  for (size_t i = 0; i < ranges.size(); ++i) {
    const CoverageRange& range = ranges[i];
    const bool last = i + 1 == ranges.size() && range.end == now && !range.expired;
    list.Push(RangeToJson(range, open && last));
    int64_t& sum = range.stored ? stored_ms : range.expired ? expired_ms : missing_ms;
    sum += (range.end - range.start).count();
  }
  const std::optional<ServerTime> expired = ExpiredBefore(stream.info, status);
  Json out;
  out.Set("stream", stream.info.name.text());
  out.Set("now", FormatRfc3339(now));
  out.Set("ranges", std::move(list));
  out.Set("stored_ms", stored_ms);
  out.Set("missing_ms", missing_ms);
  out.Set("expired_ms", expired_ms);
  // Retention has taken what was before: no range says anything of that.
  out.Set("expired_before", expired ? Json(FormatRfc3339(*expired)) : Json());
  out.Set("next", reading.next.empty() ? Json() : Json(reading.next));
  co_return JsonResponse(out);
}

}  // namespace penstock::server
