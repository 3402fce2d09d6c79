#include <fmt/format.h>

#include "base/log.h"
#include "server/api/matroska_export.h"
#include "server/api/operations.h"
#include "server/config/units.h"

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
  bool skip_damaged = false;
};

// `document`: only the fragments of the so-manieth track set in a row; 0 for all.
Task<Result<Plan>> MakePlan(std::shared_ptr<store::Shard> shard, store::Selector from,
                            std::optional<ServerTime> end, uint64_t document) {
  Plan plan;
  store::TrackSetId tracks = 0;
  while (true) {
    PS_CO_TRY(const auto items, co_await shard->Find(from, kPage));
    for (const store::ItemRef& item : items) {
      if (end && item.header.server_time >= *end) co_return plan;
      if (!IsStoredMedia(item.header)) continue;
      if (plan.track_sets == 0 || tracks != item.header.track_set) ++plan.track_sets;
      tracks = item.header.track_set;
      if (document != 0 && document != plan.track_sets) continue;
      if (plan.fragments == 0) plan.first_ordinal = item.header.ordinal;
      plan.last_ordinal = item.header.ordinal;
      ++plan.fragments;
      plan.bytes += item.header.body_bytes;
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

// With damaged=skip: the rest of the range is still worth having, and such a fragment becomes a
// hole of the file. The asker compares the bytes that came with the total.
bool IsLost(const Error& error) {
  return error.code() == ErrorCode::kCorruption || error.code() == ErrorCode::kTrimmed ||
         error.code() == ErrorCode::kNotFound;
}

// An error after the first byte can only cut the connection; the missing end of the chunked
// body tells the client.
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
      const Status written = co_await WriteFragment(shard, item, document, out);
      if (written.ok()) continue;
      if (!plan.skip_damaged || !IsLost(written.error())) co_return written;
      log::Write(log::kWarning, "fragment left out of an export",
                 {{"shard", shard->id().ToString()},
                  {"fragment", item.header.ordinal},
                  {"error", written.error().ToString()}});
    }
    ordinal = items.back().header.ordinal + 1;
  }
  co_return Status();
}

}  // namespace

Task<Outcome> ExportStream(Services& services, Call call) {
  std::vector<std::string_view> known = {"start", "end", "document", "damaged"};
  PS_CO_TRY_VOID(CheckQuery(call.request, std::move(known)));
  PS_CO_TRY(const auto start, QueryTime(call.request, "start"));
  PS_CO_TRY(const auto end, QueryTime(call.request, "end"));
  if (start && end && *end <= *start) {
    co_return Error(ErrorCode::kInvalidArgument, "end has to be after start");
  }
  const std::string_view wanted = call.request.QueryValue("document");
  PS_CO_TRY(const uint64_t document, wanted.empty() ? Result<uint64_t>(0) : ParseCount(wanted));
  const std::string_view damaged = call.request.QueryValue("damaged");
  if (!damaged.empty() && damaged != "skip")
    co_return Error(ErrorCode::kInvalidArgument, "damaged: only 'skip' is known");
  PS_CO_TRY(const OpenStream stream, FindStream(services, *call.stream));
  store::Selector from = store::FromOldest();
  if (start) from = store::FromServerTime{*start};
  PS_CO_TRY(Plan plan, co_await MakePlan(stream.shard, std::move(from), end, document));
  plan.skip_damaged = !damaged.empty();
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
