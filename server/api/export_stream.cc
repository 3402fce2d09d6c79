#include <fmt/format.h>

#include "base/log.h"
#include "playback/mp4/mp4_file.h"
#include "server/api/export_timeline.h"
#include "server/api/matroska_export.h"
#include "server/api/operations.h"
#include "server/config/units.h"

namespace penstock::server {
namespace {

constexpr size_t kPage = 1024;

bool IsStoredMedia(const store::ItemHeader& item) {
  return item.kind == store::ItemKind::kFragment && (item.flags & store::kFlagDropped) == 0;
}

// Which items are asked for: times choose once, ordinals stay what they are while the stream goes
// on.
struct Range {
  store::Selector from = store::FromOldest();
  std::optional<ServerTime> end;     // items that start before it
  std::optional<uint64_t> last;      // ordinal, included
  bool first_document_only = false;  // up to where the track set changes
  bool skip_damaged = false;

  bool Includes(const store::ItemHeader& item) const {
    return (!end || item.server_time < *end) && (!last || item.ordinal <= *last);
  }
};

// What will be sent, known from the index before the first byte: progress, and a clear answer when
// there is nothing.
struct Plan {
  uint64_t fragments = 0;
  uint64_t bytes = 0;    // of the whole answer
  bool uploads = false;  // clusters that others made: bytes may be more, where a time needs room
  uint64_t first_ordinal = 0;
  uint64_t last_ordinal = 0;
  std::optional<uint64_t> next_ordinal;  // where the next document begins
};

// A document that others have begun.
bool IsUpload(const store::TrackSet& set) {
  const auto tracks = fragmenter::DecodeTrackSet(set.meta);
  const Bytes start = fragmenter::EncodeMkvStart();
  if (!tracks.ok() || !AsText(set.body).starts_with(start.text().substr(0, 4))) return false;
  const Bytes own = fragmenter::EncodeMkvHeader(*tracks);
  return own.text() != AsText(set.body);
}

Task<Result<Plan>> MakePlan(std::shared_ptr<store::Shard> shard, Range range) {
  Plan plan;
  store::TrackSetId tracks = 0;
  store::Selector from = range.from;
  while (true) {
    PS_CO_TRY(const auto items, co_await shard->Find(from, kPage));
    for (const store::ItemRef& item : items) {
      if (!range.Includes(item.header)) co_return plan;
      if (!IsStoredMedia(item.header)) continue;
      if (plan.fragments == 0 || tracks != item.header.track_set) {
        if (plan.fragments > 0 && !plan.next_ordinal) plan.next_ordinal = item.header.ordinal;
        if (plan.fragments > 0 && range.first_document_only) co_return plan;
        tracks = item.header.track_set;
        PS_CO_TRY(const store::TrackSet set, co_await shard->GetTrackSet(tracks));
        plan.bytes += set.body.size();
        plan.uploads = plan.uploads || IsUpload(set);
      }
      if (plan.fragments == 0) plan.first_ordinal = item.header.ordinal;
      plan.last_ordinal = item.header.ordinal;
      ++plan.fragments;
      plan.bytes += item.header.body_bytes;
    }
    if (items.size() < kPage) co_return plan;
    from = store::FromOrdinal{items.back().header.ordinal + 1};
  }
}

enum class Format { kMatroska, kMp4 };

// One answer: a document, and where tracks change the next one.
class Writer {
 public:
  Writer(std::shared_ptr<store::Shard> shard, Format format, std::shared_ptr<net::BodyWriter> out)
      : shard_(std::move(shard)), format_(format), out_(std::move(out)) {}

  // The bytes first: what cannot be read, or made into its place of the document, leaves no header
  // behind that nothing follows.
  Task<Status> Write(store::ItemRef item) {
    const std::optional<playback::StoredMedia> before = std::exchange(before_, std::nullopt);
    PS_CO_TRY(store::ItemBytes bytes, co_await shard_->Open(item, store::BodyForm::kMemory));
    PS_CO_TRY(auto table, fragmenter::FrameTable::Decode(bytes.meta));
    const playback::StoredMedia media{std::move(table), std::get<ByteChain>(std::move(bytes.body))};
    ExportTimeline timeline = timeline_;
    const bool begins = timeline.BeginsDocument(item.header);
    ByteChain piece;
    if (begins) {
      PS_CO_TRY(const store::TrackSet stored, co_await shard_->GetTrackSet(item.header.track_set));
      PS_CO_TRY(tracks_, fragmenter::DecodeTrackSet(stored.meta));
      if (tracks_.tracks.empty())
        co_return Error(ErrorCode::kUnsupported,
                        "none of its tracks has a form that can be played");
      uploaded_ = IsUpload(stored);
      scale_ns_ = TimestampScaleOf(stored.body);
      Result<Bytes> header = stored.body;
      if (format_ == Format::kMp4) header = playback::MakeMp4Header(tracks_);
      if (!header.ok()) co_return std::move(header).error();
      piece.Append(std::move(*header));
    }
    PS_CO_TRY(const int64_t run_ms, RunTimeMs(tracks_, media.table, media.cluster, scale_ns_));
    const int64_t shift_ms = timeline.Add(
        item.header, uploaded_ ? std::min(run_ms, EarliestMs(tracks_, media.table)) : run_ms);
    const bool goes_on = !begins && run_ == item.header.run && item.header.ordinal == next_ordinal_;
    Result<ByteChain> fragment =
        format_ == Format::kMatroska
            ? Matroska(media.cluster, run_ms + shift_ms)
            : playback::MakeMp4Fragment(tracks_, goes_on ? before : std::nullopt, media, shift_ms,
                                        sequence_);
    if (!fragment.ok()) co_return std::move(fragment).error();
    timeline_ = timeline;
    run_ = item.header.run;
    next_ordinal_ = item.header.ordinal + 1;
    ++sequence_;
    if (format_ == Format::kMp4 && playback::HasG711(tracks_)) before_ = media;
    piece.Append(*fragment);
    co_return co_await out_->Write(std::move(piece));
  }

 private:
  Result<ByteChain> Matroska(const ByteChain& cluster, int64_t milliseconds) const {
    if (!uploaded_) return WithTimestamp(cluster, milliseconds);
    return WithUploadTimestamp(cluster, milliseconds * 1'000'000 / scale_ns_);
  }

  const std::shared_ptr<store::Shard> shard_;
  const Format format_;
  const std::shared_ptr<net::BodyWriter> out_;
  ExportTimeline timeline_;
  fragmenter::TrackSet tracks_;                  // of the document under way
  bool uploaded_ = false;                        // clusters that others made
  int64_t scale_ns_ = 1'000'000;                 // what its clusters' times count in
  store::RunId run_ = 0;                         // of the fragment written last
  uint64_t next_ordinal_ = 0;                    // what follows it; else something is missing
  std::optional<playback::StoredMedia> before_;  // it, where what follows needs it
  uint64_t sequence_ = 1;
};

// With damaged=skip: the rest of the range is still worth having, and such a fragment becomes a
// hole of the file. The asker compares the bytes that came with the total.
bool IsLost(const Error& error) {
  return error.code() == ErrorCode::kCorruption || error.code() == ErrorCode::kTrimmed ||
         error.code() == ErrorCode::kNotFound;
}

// An error after the first byte can only cut the connection; the missing end of the chunked
// body tells the client.
Task<Status> WriteAll(std::shared_ptr<store::Shard> shard, Plan plan, Format format,
                      bool skip_damaged, std::shared_ptr<net::BodyWriter> out) {
  Writer writer(shard, format, std::move(out));
  uint64_t ordinal = plan.first_ordinal;
  while (ordinal <= plan.last_ordinal) {
    store::Selector from = store::FromOrdinal{ordinal};
    PS_CO_TRY(const auto items, co_await shard->Find(std::move(from), kPage));
    if (items.empty()) break;
    for (const store::ItemRef& item : items) {
      if (item.header.ordinal > plan.last_ordinal) co_return Status();
      if (!IsStoredMedia(item.header)) continue;
      const Status written = co_await writer.Write(item);
      if (written.ok()) continue;
      if (!skip_damaged || !IsLost(written.error())) co_return written;
      log::Write(log::kWarning, "fragment left out of an export",
                 {{"shard", shard->id().ToString()},
                  {"fragment", item.header.ordinal},
                  {"error", written.error().ToString()}});
    }
    ordinal = items.back().header.ordinal + 1;
  }
  co_return Status();
}

Result<std::optional<uint64_t>> QueryOrdinal(const net::HttpRequest& request,
                                             std::string_view name) {
  const std::string_view text = request.QueryValue(name);
  if (text.empty()) return std::optional<uint64_t>();
  Result<uint64_t> ordinal = ParseCount(text);
  if (!ordinal.ok()) return std::move(ordinal).error().With(std::string(name));
  return std::optional<uint64_t>(*ordinal);
}

Result<bool> QueryWord(const net::HttpRequest& request, std::string_view name,
                       std::string_view word) {
  const std::string_view text = request.QueryValue(name);
  if (text.empty() || text == word) return !text.empty();
  return Error(ErrorCode::kInvalidArgument, fmt::format("{}: only '{}' is known", name, word));
}

Result<Format> ParseFormat(std::string_view text) {
  if (text.empty() || text == "mkv") return Format::kMatroska;
  if (text == "mp4") return Format::kMp4;
  return Error(ErrorCode::kInvalidArgument, "format: mkv or mp4");
}

Result<Range> ParseRange(const net::HttpRequest& request) {
  PS_TRY_VOID(
      CheckQuery(request, {"start", "end", "first", "last", "document", "damaged", "format"}));
  Range range;
  PS_TRY(const auto start, QueryTime(request, "start"));
  PS_TRY(range.end, QueryTime(request, "end"));
  if (start && range.end && *range.end <= *start) {
    return Error(ErrorCode::kInvalidArgument, "end has to be after start");
  }
  PS_TRY(const auto first, QueryOrdinal(request, "first"));
  PS_TRY(range.last, QueryOrdinal(request, "last"));
  if (start && first) {
    return Error(ErrorCode::kInvalidArgument, "start is a time, first an ordinal: give one");
  }
  if (start) range.from = store::FromServerTime{*start};
  if (first) range.from = store::FromOrdinal{*first};
  PS_TRY(range.first_document_only, QueryWord(request, "document", "first"));
  PS_TRY(range.skip_damaged, QueryWord(request, "damaged", "skip"));
  return range;
}

}  // namespace

// GET /api/v1/streams/{stream}/export: see docs/playback.md, Export.
Task<Outcome> ExportStream(Services& services, Call call) {
  PS_CO_TRY(const Range range, ParseRange(call.request));
  PS_CO_TRY(const Format format, ParseFormat(call.request.QueryValue("format")));
  const bool mp4 = format == Format::kMp4;
  PS_CO_TRY(const OpenStream stream, FindStream(services, *call.stream));
  PS_CO_TRY(const Plan plan, co_await MakePlan(stream.shard, range));
  if (plan.fragments == 0) {
    co_return Error(ErrorCode::kNotFound,
                    fmt::format("nothing of {} is stored in that range", call.stream->text()));
  }

  net::HttpResponse response;
  response.headers.Set("Content-Type", mp4 ? "video/mp4" : "video/x-matroska");
  response.headers.Set(
      "Content-Disposition",
      fmt::format("attachment; filename=\"{}.{}\"", call.stream->text(), mp4 ? "mp4" : "mkv"));
  response.headers.Set("Cache-Control", "no-store");
  response.headers.Set("Penstock-Export-Fragments", std::to_string(plan.fragments));
  // An MP4's heads are made as it is written.
  if (!mp4 && !plan.uploads)
    response.headers.Set("Penstock-Export-Bytes", std::to_string(plan.bytes));
  response.headers.Set("Penstock-Export-First", std::to_string(plan.first_ordinal));
  response.headers.Set("Penstock-Export-Last", std::to_string(plan.last_ordinal));
  if (plan.next_ordinal) {
    response.headers.Set("Penstock-Export-Next", std::to_string(*plan.next_ordinal));
  }
  response.stream = [shard = stream.shard, plan, format,
                     skip_damaged = range.skip_damaged](std::shared_ptr<net::BodyWriter> out) {
    return WriteAll(shard, plan, format, skip_damaged, std::move(out));
  };
  co_return response;
}

}  // namespace penstock::server
