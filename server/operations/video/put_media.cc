// A producer's media, as it comes; acks, as it becomes durable.
#include <fmt/format.h>

#include "server/operations/video/operations.h"
#include "server/operations/video/producer_start.h"
#include "server/operations/video/shapes.h"
#include "server/operations/video/upload_ack.h"
#include "server/operations/video/upload_exchange.h"

namespace penstock::server::aws::video {
namespace {

constexpr std::string_view kRelative = "RELATIVE";
constexpr std::string_view kTypes[] = {"ABSOLUTE", kRelative};
constexpr Shape kType{.values = kTypes};
constexpr std::string_view kYesOrNo[] = {"0", "1"};
constexpr Shape kAcks{.values = kYesOrNo};
constexpr Shape kStart{.min = 1, .max = 64};
constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},          {"StreamARN", &kStreamArnShape},
    {"FragmentTimecodeType", &kType, true},     {"ProducerStartTimestamp", &kStart},
    {"FragmentAcknowledgmentRequired", &kAcks},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

// The limits of section and connection are one kind of error here.
constexpr ErrorName kErrors[] = {
    {ErrorCode::kThrottled, "ConnectionLimitExceededException"},
};

Json InputOf(const net::HttpRequest& request) {
  static constexpr std::pair<const char*, const char*> kHeaders[] = {
      {"x-amzn-stream-name", "StreamName"},
      {"x-amzn-stream-arn", "StreamARN"},
      {"x-amzn-fragment-timecode-type", "FragmentTimecodeType"},
      {"x-amzn-producer-start-timestamp", "ProducerStartTimestamp"},
      {"x-amzn-fragment-acknowledgment-required", "FragmentAcknowledgmentRequired"},
      {"user-agent", "UserAgent"},  // no member of Amazon's
  };
  Json input;
  for (const auto& [header, member] : kHeaders) {
    if (request.headers.Has(header)) input.Set(member, request.headers.Get(header));
  }
  return input;
}

Result<UploadExchange::Terms> TermsOf(const Context& context, const Json& input) {
  UploadExchange::Terms terms;
  terms.acks = input["FragmentAcknowledgmentRequired"].AsString() != "0";
  terms.acks_apart = LosesJoinedAcks(input["UserAgent"].AsString());
  terms.idle = context.put_media_idle;
  terms.lasts = context.put_media_lasts;
  if (input["FragmentTimecodeType"].AsString() != kRelative) return terms;
  if (input["ProducerStartTimestamp"].is_null()) {
    return Error(ErrorCode::kInvalidArgument,
                 "x-amzn-producer-start-timestamp has to be there for RELATIVE timecodes.");
  }
  PS_TRY(terms.base_ns, ParseProducerStart(input["ProducerStartTimestamp"].AsString(),
                                           context.put_media_short_start_is_ms));
  return terms;
}

Task<Outcome> Run(Services& services, Call call) {
  CHECK(services.aws.uploads != nullptr);
  PS_CO_TRY(const UploadExchange::Terms terms, TermsOf(services.aws, call.input));
  const std::string source = fmt::format("PutMedia from {}", call.peer);
  PS_CO_TRY(std::shared_ptr<ingest::Uploads::Seat> seat,
            co_await services.aws.uploads->Begin(call.stream->info, call.stream->shard, source));
  auto exchange = std::make_shared<UploadExchange>(*services.aws.uploads, std::move(seat),
                                                   std::move(call.body), terms);
  net::HttpResponse response;
  response.headers.Set("Content-Type", "application/json");
  response.stream = [exchange](std::shared_ptr<net::BodyWriter> out) {
    return UploadExchange::Run(exchange, std::move(out));
  };
  co_return response;
}

}  // namespace

constinit const Operation kPutMedia{"PutMedia", "/putMedia", &kInput, Resource::kStream,
                                    Run,        kErrors,     InputOf};

}  // namespace penstock::server::aws::video
