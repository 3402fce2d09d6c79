#include <fmt/format.h>

#include "server/api/matroska_export.h"
#include "server/api/operations.h"

namespace penstock::server {
namespace {

constexpr size_t kPage = 1024;

bool IsStoredMedia(const store::ItemHeader& item) {
  return item.kind == store::ItemKind::kFragment && (item.flags & store::kFlagDropped) == 0;
}

// What will be sent, known from the index before the first byte: progress, and a clear answer when
// there is nothing.
struct Plan {
  uint64_t fragments = 0;
  uint64_t bytes = 0;
  uint64_t track_sets = 0;
  uint64_t first_ordinal = 0;
  uint64_t last_ordinal = 0;
};

Task<Result<Plan>> MakePlan(std::shared_ptr<store::Shard> shard, store::Selector from,
                            std::optional<ServerTime> end) {
  Plan plan;
  store::TrackSetId tracks = 0;
  while (true) {
    PS_CO_TRY(const auto items, co_await shard->Find(from, kPage));
    for (const store::ItemRef& item : items) {
      if (end && item.header.server_time >= *end) co_return plan;
      if (!IsStoredMedia(item.header)) continue;
      if (plan.fragments == 0) plan.first_ordinal = item.header.ordinal;
      plan.last_ordinal = item.header.ordinal;
      ++plan.fragments;
      plan.bytes += item.header.body_bytes;
      if (plan.track_sets == 0 || tracks != item.header.track_set) ++plan.track_sets;
      tracks = item.header.track_set;
    }
    if (items.size() < kPage) co_return plan;
    from = store::FromOrdinal{items.back().header.ordinal + 1};
  }
}

Task<Status> WriteFragment(std::shared_ptr<store::Shard> shard, store::ItemRef item,
                           MatroskaExport& document, std::shared_ptr<net::BodyWriter> out) {
  if (document.NeedsHeader(item.header)) {
    PS_CO_TRY(const store::TrackSet tracks, co_await shard->GetTrackSet(item.header.track_set));
    ByteChain header(tracks.body);
    PS_CO_TRY_VOID(co_await out->Write(std::move(header)));
  }
  PS_CO_TRY(const store::ItemBytes bytes, co_await shard->Open(item, store::BodyForm::kMemory));
  const auto* body = std::get_if<ByteChain>(&bytes.body);
  CHECK(body != nullptr);
  PS_CO_TRY(ByteChain cluster, document.Add(item.header, *body));
  co_return co_await out->Write(std::move(cluster));
}

// An error after the first byte can only cut the connection; the missing end of the chunked body
// tells the client.
Task<Status> WriteAll(std::shared_ptr<store::Shard> shard, Plan plan,
                      std::shared_ptr<net::BodyWriter> out) {
  MatroskaExport document;
  uint64_t ordinal = plan.first_ordinal;
  while (ordinal <= plan.last_ordinal) {
    store::Selector from = store::FromOrdinal{ordinal};
    PS_CO_TRY(const auto items, co_await shard->Find(std::move(from), kPage));
    if (items.empty()) break;
    for (const store::ItemRef& item : items) {
      if (item.header.ordinal > plan.last_ordinal) co_return Status();
      if (!IsStoredMedia(item.header)) continue;
      PS_CO_TRY_VOID(co_await WriteFragment(shard, item, document, out));
    }
    ordinal = items.back().header.ordinal + 1;
  }
  co_return Status();
}

}  // namespace

Task<Outcome> ExportStream(Services& services, Call call) {
  std::vector<std::string_view> known = {"start", "end"};
  PS_CO_TRY_VOID(CheckQuery(call.request, std::move(known)));
  PS_CO_TRY(const auto start, QueryTime(call.request, "start"));
  PS_CO_TRY(const auto end, QueryTime(call.request, "end"));
  if (start && end && *end <= *start) {
    co_return Error(ErrorCode::kInvalidArgument, "end has to be after start");
  }
  PS_CO_TRY(const OpenStream stream, FindStream(services, *call.stream));
  store::Selector from = store::FromOldest();
  if (start) from = store::FromServerTime{*start};
  PS_CO_TRY(const Plan plan, co_await MakePlan(stream.shard, std::move(from), end));
  if (plan.fragments == 0) {
    co_return Error(ErrorCode::kNotFound,
                    fmt::format("nothing of {} is stored in that range", call.stream->text()));
  }

  net::HttpResponse response;
  response.headers.Set("Content-Type", "video/x-matroska");
  response.headers.Set("Content-Disposition",
                       fmt::format("attachment; filename=\"{}.mkv\"", call.stream->text()));
  response.headers.Set("Cache-Control", "no-store");
  response.headers.Set("Penstock-Export-Fragments", std::to_string(plan.fragments));
  response.headers.Set("Penstock-Export-Bytes", std::to_string(plan.bytes));
  response.headers.Set("Penstock-Export-Track-Sets", std::to_string(plan.track_sets));
  response.stream = [shard = stream.shard, plan](std::shared_ptr<net::BodyWriter> out) {
    return WriteAll(shard, plan, std::move(out));
  };
  co_return response;
}

}  // namespace penstock::server
