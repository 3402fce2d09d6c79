// The media of fragments that are known by number, in the order they are asked for.
#include <fmt/format.h>

#include "server/operations/video/media_document.h"
#include "server/operations/video/media_sender.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/shapes.h"

namespace penstock::server::aws::video {
namespace {

constexpr Shape kNumbers{
    .kind = Kind::kList, .min = 1, .max = 1000, .element = &kFragmentNumberShape};
constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
    {"Fragments", &kNumbers, true},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

// The stored fragment of exactly that number.
Task<Result<std::optional<store::ItemRef>>> FindNumber(std::shared_ptr<store::Shard> shard,
                                                       FragmentNumber number) {
  std::optional<store::ItemRef> none;
  if (number.index == 0) co_return none;
  store::Selector before = store::AfterNumber{number.index - 1};
  PS_CO_TRY(const auto items, co_await shard->Find(std::move(before), 1));
  if (items.empty()) co_return none;
  const store::ItemHeader& header = items[0].header;
  const bool stored =
      header.kind == store::ItemKind::kFragment && (header.flags & store::kFlagDropped) == 0;
  if (!stored || header.number.ToString() != number.ToString()) co_return none;
  co_return std::optional<store::ItemRef>(items[0]);
}

// A number that is not there ends the payload, as consumers expect.
Task<Status> SendAll(std::shared_ptr<store::Shard> shard, std::vector<FragmentNumber> numbers,
                     std::shared_ptr<net::BodyWriter> out) {
  MediaSender sender(shard, std::move(out), nullptr);
  for (const FragmentNumber& number : numbers) {
    PS_CO_TRY(const auto item, co_await FindNumber(shard, number));
    bool sent = false;
    if (item) {
      store::ItemRef ref = *item;
      PS_CO_TRY(sent, co_await sender.Send(std::move(ref)));
    }
    if (sent) continue;
    Bytes document = ErrorDocument(item ? kPayloadInternal : kFragmentNotFound, number.ToString());
    co_return co_await sender.SendError(std::move(document));
  }
  co_return Status();
}

Task<Outcome> Run(Services&, Call call) {
  std::vector<FragmentNumber> numbers;
  std::vector<std::string_view> invalid;
  for (const Json& text : call.input["Fragments"].array()) {
    const auto number = FragmentNumber::Parse(text.AsString());
    if (number.ok()) {
      numbers.push_back(*number);
    } else if (invalid.size() < 10) {
      invalid.push_back(text.AsString());
    }
  }
  if (!invalid.empty()) {
    co_return Error(ErrorCode::kInvalidArgument,
                    fmt::format("Fragment numbers are invalid : [{}]", fmt::join(invalid, ", ")));
  }
  net::HttpResponse response;
  response.headers.Set("Content-Type", "video/webm");
  response.stream = [shard = call.stream->shard,
                     numbers = std::move(numbers)](std::shared_ptr<net::BodyWriter> out) {
    return SendAll(shard, numbers, std::move(out));
  };
  co_return response;
}

}  // namespace

constinit const Operation kGetMediaForFragmentList{
    "GetMediaForFragmentList", "/getMediaForFragmentList", &kInput, Resource::kStream, Run};

}  // namespace penstock::server::aws::video
