// A stretch of a stream as one MP4 file.
#include <algorithm>

#include "playback/audio/g711_as_aac.h"
#include "playback/made_tracks.h"
#include "playback/mp4/clip.h"
#include "server/api/export_timeline.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/shapes.h"
#include "server/wire/timestamp.h"
#include "store/millisecond_range.h"

namespace penstock::server::aws::video {
namespace {

using store::ItemRef;

constexpr int64_t kRangeMaxUs = int64_t{24} * 3600 * 1'000'000;

constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
    {"ClipFragmentSelector", &kFragmentSelectorShape, true},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

constexpr ErrorName kErrors[] = {
    {ErrorCode::kConflict, "NoDataRetentionException"},
    {ErrorCode::kUnsupported, "UnsupportedStreamMediaTypeException"},
    {ErrorCode::kCorruption, "InvalidMediaFrameException"},
};

Error Invalid(const char* words) { return Error(ErrorCode::kInvalidArgument, words); }

Result<store::TimeRange> RangeOf(const Json& selector, ServerTime now) {
  const Json& range = selector["TimestampRange"];
  PS_TRY(const int64_t from_us, wire::ParseTimestamp(range["StartTimestamp"]));
  PS_TRY(const int64_t to_us, wire::ParseTimestamp(range["EndTimestamp"]));
  if (to_us <= from_us) return Invalid("EndTimestamp has to be after StartTimestamp.");
  if (to_us - from_us > kRangeMaxUs)
    return Invalid("EndTimestamp has to be within 24 hours after StartTimestamp.");
  if (selector["FragmentSelectorType"].AsString() == kByProducerTime)
    return store::ProducerMilliseconds(from_us, to_us);
  if (to_us > ToMs(now) * 1000) return Invalid("EndTimestamp has to be in the past.");
  return store::ServerMilliseconds(from_us, to_us);
}

// Of what began in the range: the first ones, as many bytes as a clip may have. Of two that say the
// same producer time the one that was received first.
std::vector<ItemRef> Choose(std::vector<ItemRef> found, uint64_t bytes_max) {
  std::vector<ItemRef> chosen;
  uint64_t bytes = 0;
  for (ItemRef& ref : found) {
    if (!chosen.empty() && ref.header.producer_time == chosen.back().header.producer_time &&
        ref.header.server_time != chosen.back().header.server_time) {
      continue;
    }
    bytes += ref.header.body_bytes;
    if (!chosen.empty() && bytes > bytes_max) break;
    chosen.push_back(std::move(ref));
  }
  return chosen;
}

// When the first frame is decoded, milliseconds of the run.
int64_t RunBeginMs(const fragmenter::TrackSet& tracks, const fragmenter::FrameTable& table) {
  std::optional<int64_t> begin;
  for (const fragmenter::Frame& frame : table.frames) {
    const fragmenter::TrackConfig* const track = tracks.Find(frame.track);
    if (track == nullptr || track->clock_rate == 0) continue;
    const int64_t ms = frame.dts * 1000 / int64_t{track->clock_rate};
    begin = std::min(begin.value_or(ms), ms);
  }
  return begin.value_or(0);
}

// The bytes of a clip, which are known before the first is sent.
struct Clip {
  fragmenter::TrackSet stored;
  Bytes head;
  std::vector<ItemRef> items;
  playback::ClipWriter writer;
};

Task<Result<std::shared_ptr<const Clip>>> Prepare(std::shared_ptr<store::Shard> shard,
                                                  std::vector<ItemRef> items) {
  const store::TrackSetId id = items.front().header.track_set;
  for (const ItemRef& ref : items) {
    if (ref.header.track_set != id)
      co_return Error(ErrorCode::kUnsupported, "The codec private data changes within the clip.");
  }
  PS_CO_TRY(const store::TrackSet set, co_await shard->GetTrackSet(id));
  PS_CO_TRY(const fragmenter::TrackSet stored, fragmenter::DecodeTrackSet(set.meta));
  if (stored.tracks.empty())
    co_return Error(ErrorCode::kUnsupported, "No track of the clip has a form that can be played.");
  const bool transcoded = playback::HasG711(stored);
  const bool as_stored = playback::IsServedAsStored(stored);
  playback::ClipWriter writer(playback::ServedTracks(stored));
  ExportTimeline timeline;
  std::optional<playback::StoredMedia> before;
  for (size_t i = 0; i < items.size(); ++i) {
    const ItemRef ref = items[i];
    playback::StoredMedia media;
    std::vector<playback::MadeTrack> made;
    std::vector<playback::MadeTrack> remade;
    if (!as_stored) {
      PS_CO_TRY(store::ItemBytes bytes, co_await shard->Open(ref, store::BodyForm::kMemory));
      PS_CO_TRY(media.table, fragmenter::FrameTable::Decode(bytes.meta));
      media.cluster = std::get<ByteChain>(std::move(bytes.body));
      const bool goes_on = i > 0 && ref.header.run == items[i - 1].header.run &&
                           ref.header.ordinal == items[i - 1].header.ordinal + 1;
      if (!goes_on) before.reset();
      PS_CO_TRY(made, playback::TranscodeG711(stored, before, media));
      PS_CO_TRY(remade, playback::PrefixByteStreams(stored, media));
      if (transcoded) before = media;
    } else {
      PS_CO_TRY(const Bytes meta, co_await shard->ReadMeta(ref));
      PS_CO_TRY(media.table, fragmenter::FrameTable::Decode(meta));
    }
    const int64_t shift_ms = timeline.Add(ref.header, RunBeginMs(stored, media.table));
    PS_CO_TRY_VOID(writer.Add(media.table, ref.header.body_bytes, shift_ms, made, remade));
  }
  PS_CO_TRY(Bytes head, writer.Head());
  co_return std::shared_ptr<const Clip>(
      std::make_shared<Clip>(Clip{stored, std::move(head), std::move(items), std::move(writer)}));
}

// An error after the first byte can only cut the connection.
Task<Status> SendClip(std::shared_ptr<store::Shard> shard, std::shared_ptr<const Clip> clip,
                      std::shared_ptr<net::BodyWriter> out) {
  ByteChain head(clip->head);
  PS_CO_TRY_VOID(co_await out->Write(std::move(head)));
  for (size_t i = 0; i < clip->items.size(); ++i) {
    const ItemRef ref = clip->items[i];
    PS_CO_TRY(store::ItemBytes bytes, co_await shard->Open(ref, store::BodyForm::kMemory));
    const ByteChain& cluster = std::get<ByteChain>(bytes.body);
    ByteChain piece;
    for (const playback::BodyRange& range : clip->writer.Body(i))
      piece.Append(cluster.Slice(range.offset, range.size));
    // Larger than what a clip may keep in memory: made a fragment at a time.
    if (playback::HasByteStreams(clip->stored)) {
      playback::StoredMedia media;
      PS_CO_TRY(media.table, fragmenter::FrameTable::Decode(bytes.meta));
      media.cluster = cluster;
      PS_CO_TRY(const auto remade, playback::PrefixByteStreams(clip->stored, media));
      for (const playback::MadeTrack& track : remade) piece.Append(track.bytes);
    }
    piece.Append(clip->writer.Made(i));
    PS_CO_TRY_VOID(co_await out->Write(std::move(piece)));
  }
  co_return Status();
}

Task<Outcome> Run(Services& services, Call call) {
  if (call.stream->info.retention_hours == 0)
    co_return Error(ErrorCode::kConflict, "Data retention is not enabled for the stream.");
  const std::shared_ptr<store::Shard> shard = call.stream->shard;
  PS_CO_TRY(store::TimeRange range,
            RangeOf(call.input["ClipFragmentSelector"], services.clock.Now()));
  PS_CO_TRY(auto found, co_await shard->FindStarted(std::move(range), std::nullopt,
                                                    services.aws.clip_fragments));
  if (found.empty())
    co_return Error(ErrorCode::kNotFound, "No fragments were found for the stream in this range.");
  std::vector<ItemRef> items = Choose(std::move(found), services.aws.clip_bytes);
  PS_CO_TRY(auto clip, co_await Prepare(shard, std::move(items)));
  net::HttpResponse response;
  response.headers.Set("Content-Type", "video/mp4");
  response.stream = [shard, clip = std::move(clip)](std::shared_ptr<net::BodyWriter> out) {
    return SendClip(shard, clip, std::move(out));
  };
  co_return response;
}

}  // namespace

constinit const Operation kGetClip{"GetClip", "/getClip", &kInput, Resource::kStream, Run, kErrors};

}  // namespace penstock::server::aws::video
