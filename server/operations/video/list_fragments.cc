// What is stored of a stream within a range of one of the two times.
#include <charconv>

#include "server/operations/page_token.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/shapes.h"
#include "server/wire/timestamp.h"
#include "store/millisecond_range.h"

namespace penstock::server::aws::video {
namespace {

constexpr int64_t kPageDefault = 100;
constexpr std::string_view kTokenKind = "fragments";

constexpr Shape kLimit{.kind = Kind::kInteger, .min = 1, .max = 1000};
constexpr Shape kToken{.min = 1, .max = 4096, .pattern = &wire::kBase64};
constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
    {"MaxResults", &kLimit},
    {"NextToken", &kToken},
    {"FragmentSelector", &kFragmentSelectorShape},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

// A listing and how far it has come: all of it is in the token, since clients send nothing else
// with it.
struct Listing {
  bool by_server = true;
  int64_t from_us = 0;
  int64_t to_us = 0;
  int64_t limit = kPageDefault;
  std::optional<store::RangePlace> after;
};

Error BadToken() {
  return Error(ErrorCode::kInvalidArgument, "NextToken is not one of this list.");
}

template <class Number>
bool ReadNumber(const std::string& text, Number& out) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failure == std::errc() && end == text.data() + text.size();
}

std::string TokenOf(const Listing& listing, const ShardId& shard, const store::ItemHeader& last) {
  const std::vector<std::string> fields = {
      shard.ToString(),
      listing.by_server ? "s" : "p",
      std::to_string(listing.from_us),
      std::to_string(listing.to_us),
      std::to_string(listing.limit),
      std::to_string(last.ordinal),
      std::to_string(last.number.index),
      std::to_string(ToUs(last.producer_time)),
  };
  return MakePageToken(kTokenKind, fields);
}

Result<Listing> FromToken(std::string_view token, const ShardId& shard) {
  PS_TRY(const std::vector<std::string> fields, ReadPageToken(token, kTokenKind, 8));
  Listing listing;
  store::RangePlace place;
  int64_t producer_us = 0;
  const bool good = fields[0] == shard.ToString() && (fields[1] == "s" || fields[1] == "p") &&
                    ReadNumber(fields[2], listing.from_us) &&
                    ReadNumber(fields[3], listing.to_us) && ReadNumber(fields[4], listing.limit) &&
                    ReadNumber(fields[5], place.ordinal) && ReadNumber(fields[6], place.index) &&
                    ReadNumber(fields[7], producer_us);
  if (!good || listing.limit < kLimit.min || listing.limit > kLimit.max) return BadToken();
  listing.by_server = fields[1] == "s";
  place.producer_time = ProducerTimeFromUs(producer_us);
  listing.after = place;
  return listing;
}

Result<Listing> FromInput(const Json& input, const ShardId& shard) {
  const Json& selector = input["FragmentSelector"];
  const std::string_view token = input["NextToken"].AsString();
  // Some clients repeat the selector with the token, others do not; the token has it all.
  if (!token.empty()) return FromToken(token, shard);
  if (selector.is_null()) {
    return Error(ErrorCode::kInvalidArgument,
                 "Either FragmentSelector or NextToken has to be there.");
  }
  Listing listing;
  const Json& range = selector["TimestampRange"];
  listing.by_server = selector["FragmentSelectorType"].AsString() == kByServerTime;
  PS_TRY(listing.from_us, wire::ParseTimestamp(range["StartTimestamp"]));
  PS_TRY(listing.to_us, wire::ParseTimestamp(range["EndTimestamp"]));
  if (listing.to_us < listing.from_us)
    return Error(ErrorCode::kInvalidArgument, "StartTimestamp is after EndTimestamp.");
  listing.limit = input["MaxResults"].AsInt(kPageDefault);
  return listing;
}

store::TimeRange RangeOf(const Listing& listing) {
  return listing.by_server ? store::ServerMilliseconds(listing.from_us, listing.to_us)
                           : store::ProducerMilliseconds(listing.from_us, listing.to_us);
}

Json ToJson(const store::ItemHeader& item) {
  Json out;
  out.Set("FragmentNumber", item.number.ToString());
  out.Set("FragmentSizeInBytes", item.body_bytes);
  out.Set("ProducerTimestamp", wire::ToTimestamp(item.producer_time));
  out.Set("ServerTimestamp", wire::ToTimestamp(item.server_time));
  out.Set("FragmentLengthInMilliseconds",
          std::chrono::duration_cast<std::chrono::milliseconds>(item.duration).count());
  return out;
}

Task<Outcome> Run(Services&, Call call) {
  const std::shared_ptr<store::Shard> shard = call.stream->shard;
  PS_CO_TRY(const Listing listing, FromInput(call.input, shard->id()));
  const auto limit = static_cast<size_t>(listing.limit);
  // One more tells whether there is a next page.
  PS_CO_TRY(const auto items,
            co_await shard->FindStarted(RangeOf(listing), listing.after, limit + 1));
  Json list = Json(Json::Array());
  for (size_t i = 0; i < std::min(items.size(), limit); ++i) list.Push(ToJson(items[i].header));
  Json out;
  out.Set("Fragments", std::move(list));
  out.Set("NextToken", items.size() > limit
                           ? Json(TokenOf(listing, shard->id(), items[limit - 1].header))
                           : Json());
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kListFragments{"ListFragments", "/listFragments", &kInput,
                                         Resource::kStream, Run};

}  // namespace penstock::server::aws::video
