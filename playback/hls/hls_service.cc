#include "playback/hls/hls_service.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/limits.h"
#include "fragmenter/media.h"
#include "playback/audio/g711_as_aac.h"
#include "playback/audio/one_track.h"
#include "playback/hls/damaged_fragments.h"
#include "playback/hls/media_playlist.h"
#include "playback/hls/stored_range.h"
#include "playback/made_tracks.h"
#include "playback/mp4/init_segment.h"
#include "playback/mp4/media_segment.h"
#include "playback/shared_cache.h"
#include "playback/ts/transport_segment.h"

namespace penstock::playback {
namespace {

using store::ItemHeader;
using store::ItemRef;
using store::Shard;
using store::ShardStatus;
using ShardPtr = std::shared_ptr<Shard>;

// Part of every segment's ETag: counts up when the bytes that are made from the same fragment
// change.
constexpr int kSegmentFormat = 1;

constexpr char kPlaylistType[] = "application/vnd.apple.mpegurl";
constexpr char kVideoType[] = "video/mp4";
constexpr char kAudioType[] = "audio/mp4";
constexpr char kTransportType[] = "video/mp2t";

const char* ContentType(const fragmenter::TrackSet& tracks) {
  const bool video = std::ranges::any_of(
      tracks.tracks, [](const fragmenter::TrackConfig& t) { return IsVideo(t.codec); });
  return video ? kVideoType : kAudioType;
}

Resource MakePlaylistResource(const PlaylistItems& list, const PlaylistShape& shape) {
  std::string text = RenderMediaPlaylist(list.listed(), shape);
  const uint32_t crc = Crc32c(AsBytes(text));
  Resource resource;
  resource.content_type = kPlaylistType;
  resource.etag = fmt::format("\"{}-{}-{}-{:08x}\"", shape.life, list.listed().front().ordinal,
                              list.listed().back().ordinal, crc);
  resource.parts.emplace_back(ByteChain(Bytes::From(std::move(text))));
  return resource;
}

// Which fragment it begins with is decided once: the list that is loaded again and again goes on
// when that one has moved out of reach.
Resource RewindFrom(uint64_t ordinal) {
  Resource resource;
  resource.moved_to = fmt::format("{}?first={}", FormatHlsFileName(HlsFileName()), ordinal);
  return resource;
}

Error GapError(const ItemHeader& item) {
  const char* what = item.kind == store::ItemKind::kGap ? "nothing was recorded then"
                                                        : "nothing was stored in its place";
  return Error(ErrorCode::kNotFound, fmt::format("fragment {} is a gap: {}", item.ordinal, what));
}

// The same answer, whatever the reason why a place in the list cannot be played: players step over
// it, where a fault of the server (500) would make them ask again and at last give up.
Error DamageError(uint64_t ordinal) {
  return Error(ErrorCode::kNotFound,
               fmt::format("fragment {} is a gap: what is stored of it is damaged", ordinal));
}

// The item with this ordinal, where it is to be found; a live one may not be stored yet.
Task<Result<std::optional<ItemRef>>> FindItem(ShardPtr shard, uint64_t ordinal) {
  store::Selector from = store::FromOrdinal{ordinal};
  PS_CO_TRY(std::vector<ItemRef> found, co_await shard->Find(from, 1));
  if (found.empty()) found = shard->FindLive(ordinal, 1);
  if (found.empty() || found.front().header.ordinal != ordinal) co_return std::optional<ItemRef>();
  co_return std::optional<ItemRef>(std::move(found.front()));
}

// The fragment with this ordinal, if it is there.
Task<Result<ItemRef>> FindFragment(ShardPtr shard, uint64_t ordinal) {
  const ShardStatus status = shard->GetStatus();
  if (!status.Shows(ordinal)) {
    co_return Error(ErrorCode::kTrimmed,
                    fmt::format("fragment {} is older than what is kept", ordinal));
  }
  if (ordinal >= status.live_end) {
    co_return Error(ErrorCode::kNotFound, fmt::format("there is no fragment {} yet", ordinal));
  }
  PS_CO_TRY(std::optional<ItemRef> found, co_await FindItem(shard, ordinal));
  if (!found) {
    // Retention went by between the two questions.
    co_return Error(ErrorCode::kTrimmed,
                    fmt::format("fragment {} is older than what is kept", ordinal));
  }
  if (!IsPlayable(found->header)) co_return GapError(found->header);
  co_return std::move(*found);
}

bool StartsRun(const ItemHeader& header) { return (header.flags & store::kFlagStartsRun) != 0; }

// What plays just before a fragment.
struct Before {
  std::optional<StoredMedia> media;  // where it is there to be read
  bool for_good = false;             // it will be the same whenever it is asked for
};

// Sound goes over from one fragment to the next.
Task<Before> LoadBefore(ShardPtr shard, ItemHeader header) {
  Before before;
  before.for_good = header.ordinal == 0 || StartsRun(header);
  if (before.for_good) co_return before;
  const auto found = co_await FindItem(shard, header.ordinal - 1);
  if (!found.ok() || !found->has_value()) co_return before;
  ItemRef ref = **found;
  if (!IsPlayable(ref.header) || ref.header.run != header.run) co_return before;
  // One that the full disk refused, or may refuse yet, is a gap when it leaves memory.
  const bool stays = (ref.header.flags & store::kFlagDropped) == 0 &&
                     ref.header.ordinal < shard->GetStatus().next_ordinal;
  auto bytes = co_await shard->Open(std::move(ref), store::BodyForm::kMemory);
  if (!bytes.ok()) co_return before;
  auto table = fragmenter::FrameTable::Decode(bytes->meta);
  if (!table.ok()) co_return before;
  before.media = StoredMedia{std::move(*table), std::get<ByteChain>(std::move(bytes->body))};
  before.for_good = stays;
  co_return before;
}

Task<Result<fragmenter::TrackSet>> LoadTrackSet(ShardPtr shard, store::TrackSetId id) {
  PS_CO_TRY(const store::TrackSet stored, co_await shard->GetTrackSet(id));
  auto tracks = fragmenter::DecodeTrackSet(stored.meta);
  // Uploads are stored whatever they hold.
  if (tracks.ok() && tracks->tracks.empty())
    co_return Error(ErrorCode::kUnsupported, "none of its tracks has a form that can be played");
  co_return tracks;
}

bool IsTransport(const HlsFileName& name) {
  return name.kind == HlsFileName::Kind::kTransportSegment;
}

// `alone`: sound was transcoded without the fragment before, from which its first units sound over.
std::string SegmentTag(const HlsFileName& name, uint32_t track, bool alone) {
  char form = name.layout == Layout::kVerbatim ? 'v' : 'c';
  if (IsTransport(name)) form = 't';
  return fmt::format("\"{}-{}-{}{}{}{}\"", name.life, name.id, form, kSegmentFormat,
                     TrackTag(track), alone ? "-a" : "");
}

// What is stored will not come out of the disk: wrong bytes, or a sector that cannot be read.
bool IsDamage(const Error& error) {
  return error.code() == ErrorCode::kCorruption || error.code() == ErrorCode::kIo;
}

Task<Result<Resource>> LoadSegment(ShardPtr shard, ItemRef ref, HlsFileName name, uint32_t track) {
  PS_CO_TRY(const fragmenter::TrackSet all, co_await LoadTrackSet(shard, ref.header.track_set));
  fragmenter::TrackSet tracks = all;
  PS_CO_TRY_VOID(KeepTrack(track, tracks));
  const bool transcoded = HasG711(tracks);
  const bool as_stored = IsServedAsStored(tracks);
  const bool sliced = name.layout == Layout::kVerbatim && as_stored && !IsTransport(name);
  const store::BodyForm form = sliced ? store::BodyForm::kFileSlice : store::BodyForm::kMemory;
  Before before{.media = std::nullopt, .for_good = true};
  if (transcoded) before = co_await LoadBefore(shard, ref.header);
  PS_CO_TRY(store::ItemBytes bytes, co_await shard->Open(ref, form));
  PS_CO_TRY(fragmenter::FrameTable table, fragmenter::FrameTable::Decode(bytes.meta));
  const auto* slice = std::get_if<FileSlice>(&bytes.body);
  const uint64_t cluster_bytes = slice ? slice->size : std::get<ByteChain>(bytes.body).size();
  std::vector<MadeTrack> made;
  if (!as_stored) {
    StoredMedia fragment{std::move(table), std::get<ByteChain>(bytes.body)};
    PS_CO_TRY(made, MakeTracks(tracks, before.media, fragment));
    tracks = ServedTracks(tracks);
    table = std::move(fragment.table);
  }
  PS_CO_TRY_VOID(KeepFrames(track, all, table, made));
  Resource resource;
  resource.content_type = IsTransport(name) ? kTransportType : ContentType(tracks);
  resource.etag = SegmentTag(name, track, transcoded && !before.media);
  resource.immutable = before.for_good;
  if (IsTransport(name)) {
    PS_CO_TRY(Bytes segment,
              MakeTransportSegment(tracks, table, std::get<ByteChain>(bytes.body), made));
    resource.parts.emplace_back(ByteChain(std::move(segment)));
    co_return resource;
  }
  PS_CO_TRY(const MediaSegment segment,
            MakeMediaSegment(tracks, table, cluster_bytes, name.id, name.layout, made));
  if (slice) {
    resource.parts.emplace_back(ByteChain(segment.head));
    resource.parts.emplace_back(*slice);
  } else {
    ByteChain whole = AssembleSegment(segment, std::get<ByteChain>(bytes.body));
    // Sound is little, and slices of it would keep the pictures around it in memory.
    if (track != kAllTracks && whole.size() < cluster_bytes / 2) whole = ByteChain(whole.Flatten());
    resource.parts.emplace_back(std::move(whole));
  }
  co_return resource;
}

// The memory that a cached resource keeps alive; of file ranges the page cache has the bytes.
size_t MemoryCost(const Resource& resource) {
  constexpr size_t kEntryBytes = size_t{4} << 10;
  size_t bytes = kEntryBytes;
  for (const BodyPart& part : resource.parts) {
    if (const auto* chain = std::get_if<ByteChain>(&part)) bytes += chain->size();
  }
  return bytes;
}

}  // namespace

struct HlsService::Impl {
  Impl(store::Store& s, Clock& c, HlsOptions o)
      : store(s),
        clock(c),
        options(o),
        playlists(o.playlist_cache_bytes, "playlist"),
        segments(o.segment_cache_bytes, "segment") {}

  Result<ShardPtr> OpenShard(const StreamName& stream) const;
  // The shard, if the name belongs to this life of the stream.
  Result<ShardPtr> OpenShard(const StreamName& stream, const HlsFileName& name) const;
  // The segment; a gap if its fragment is damaged, and from then on.
  Task<Result<Resource>> ReadSegment(ShardPtr shard, HlsFileName name, uint32_t track);
  Task<Status> CheckTimes(ShardPtr shard, PlaylistQuery query) const;
  Task<Result<Resource>> BuildPlaylist(ShardPtr shard, PlaylistQuery query, std::string key);

  store::Store& store;
  Clock& clock;
  const HlsOptions options;
  ResourceCache playlists;
  ResourceCache segments;
  DamagedFragments damaged;
  ReplayPlaces replays;
  SingleFlight flights;
};

Result<ShardPtr> HlsService::Impl::OpenShard(const StreamName& stream) const {
  const std::optional<store::StreamInfo> info = store.GetStream(stream);
  ShardPtr shard = info ? store.OpenShard(info->shard) : nullptr;
  if (!shard) return Error(ErrorCode::kNotFound, fmt::format("no stream {}", stream.text()));
  return shard;
}

Result<ShardPtr> HlsService::Impl::OpenShard(const StreamName& stream,
                                             const HlsFileName& name) const {
  PS_TRY(ShardPtr shard, OpenShard(stream));
  if (LifeOf(shard->id()) != name.life) {
    return Error(
        ErrorCode::kNotFound,
        fmt::format("stream {} was deleted and made again; load its playlist anew", stream.text()));
  }
  return shard;
}

// What was stored before the clock was set back may begin later than now.
Task<Status> HlsService::Impl::CheckTimes(ShardPtr shard, PlaylistQuery query) const {
  if (!query.start || *query.start <= clock.Now()) co_return Status();
  store::Selector from = store::FromServerTime{*query.start};
  PS_CO_TRY(const std::vector<ItemRef> found, co_await shard->Find(from, 1));
  if (!found.empty()) co_return Status();
  co_return Error(ErrorCode::kInvalidArgument,
                  fmt::format("start {} is in the future", FormatRfc3339(*query.start)));
}

Task<Result<Resource>> HlsService::Impl::BuildPlaylist(ShardPtr shard, PlaylistQuery query,
                                                       std::string key) {
  PS_CO_TRY(const PlaylistItems list, co_await ListItems(shard, query, damaged));
  PlaylistShape shape;
  shape.kind = list.kind;
  shape.life = LifeOf(shard->id());
  shape.layout = options.layout;
  shape.target_seconds = TargetSeconds(list.looked_at);
  Resource resource = MakePlaylistResource(list, shape);
  // A dropped fragment turns into a gap when it leaves the window, which moves no ordinal: such a
  // list is not kept.
  const bool may_change = std::ranges::any_of(list.listed(), [](const ItemHeader& item) {
    return IsPlayable(item) && (item.flags & store::kFlagDropped) != 0;
  });
  if (!may_change) playlists.Put(key, resource, PartsBytes(resource.parts));
  co_return resource;
}

Task<Result<Resource>> HlsService::Impl::ReadSegment(ShardPtr shard, HlsFileName name,
                                                     uint32_t track) {
  if (damaged.Contains(shard->id(), name.id)) co_return DamageError(name.id);
  // The index is asked apart: if that fails, it says nothing of the fragment.
  PS_CO_TRY(ItemRef ref, co_await FindFragment(shard, name.id));
  Result<Resource> loaded = co_await LoadSegment(shard, std::move(ref), name, track);
  if (loaded.ok() || !IsDamage(loaded.error())) co_return loaded;
  damaged.Add(shard->id(), name.id, loaded.error());
  co_return DamageError(name.id);
}

HlsService::HlsService(store::Store& store, Clock& clock, HlsOptions options)
    : impl_(std::make_unique<Impl>(store, clock, options)) {}

HlsService::~HlsService() = default;

const DamagedFragments& HlsService::damaged() const { return impl_->damaged; }

Task<Result<Resource>> HlsService::Get(StreamName stream, std::string file,
                                       std::vector<std::pair<std::string, std::string>> query) {
  PS_CO_TRY(HlsFileName name, ParseHlsFileName(file));
  switch (name.kind) {
    case HlsFileName::Kind::kPlaylist: {
      PS_CO_TRY(const PlaylistQuery parsed, ParsePlaylistQuery(query));
      co_return co_await MediaPlaylist(std::move(stream), parsed);
    }
    case HlsFileName::Kind::kInit:
      co_return co_await Init(std::move(stream), std::move(name));
    case HlsFileName::Kind::kSegment:
    case HlsFileName::Kind::kTransportSegment:
      co_return co_await Segment(std::move(stream), std::move(name));
  }
  co_return Error(ErrorCode::kInternal, "a file of no kind");
}

Task<Result<Resource>> HlsService::MediaPlaylist(StreamName stream, PlaylistQuery query) {
  PS_CO_TRY(ShardPtr shard, impl_->OpenShard(stream));
  PS_CO_TRY_VOID(co_await impl_->CheckTimes(shard, query));
  if (query.start && !query.end) {
    PS_CO_TRY(const uint64_t ordinal, co_await FindRewindStart(shard, *query.start));
    co_return RewindFrom(ordinal);
  }
  // Whatever may be listed lies between the two ordinals or is held, so that nothing else can
  // change the text but damage that was found, and what becomes of an item that is not durable.
  const ShardStatus status = shard->GetStatus();
  const std::string key =
      fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", shard->id().ToString(),
                  query.start ? ToMs(*query.start) : -1, query.end ? ToMs(*query.end) : -1,
                  query.first ? fmt::to_string(*query.first) : std::string(), status.oldest_ordinal,
                  status.next_ordinal, status.live_end, status.live_changes, status.held_changes,
                  impl_->damaged.Count(shard->id()));
  if (std::optional<Resource> cached = impl_->playlists.Get(key)) co_return std::move(*cached);
  std::optional<Oneshot<SingleFlight::Outcome>> others = impl_->flights.Join(key);
  if (others) co_return co_await *others;
  SingleFlight::Leader leader(impl_->flights, key);
  Result<Resource> built = co_await impl_->BuildPlaylist(shard, query, key);
  leader.Finish(built);
  co_return built;
}

Task<Result<Resource>> HlsService::SessionPlaylist(StreamName stream, Session session,
                                                   std::shared_ptr<const EntryNames> names) {
  using Dates = PlaylistShape::Dates;
  PS_CO_TRY(ShardPtr shard, impl_->OpenShard(stream));
  PS_CO_TRY(const PlaylistItems list, co_await ListSession(shard, session, impl_->clock.Now(),
                                                           impl_->damaged, &impl_->replays));
  PlaylistShape shape;
  shape.kind = list.kind;
  shape.ended = list.ended;
  shape.life = LifeOf(shard->id());
  shape.layout = impl_->options.layout;
  shape.target_seconds = TargetSeconds(list.looked_at);
  shape.all_discontinuities = session.all_discontinuities;
  shape.dates = Dates::kNone;
  if (session.dates) shape.dates = session.by_producer ? Dates::kProducer : Dates::kServer;
  shape.names = names.get();
  shape.transport = session.transport;
  co_return MakePlaylistResource(list, shape);
}

Task<Result<SessionVariant>> HlsService::DescribeSession(StreamName stream, Session session) {
  PS_CO_TRY(ShardPtr shard, impl_->OpenShard(stream));
  PS_CO_TRY(const PlaylistItems list, co_await ListSession(shard, session, impl_->clock.Now(),
                                                           impl_->damaged, &impl_->replays));
  const ItemHeader first = list.listed().front();
  PS_CO_TRY(const fragmenter::TrackSet tracks, co_await LoadTrackSet(shard, first.track_set));
  SessionVariant variant;
  variant.tracks = ServedTracks(tracks);
  // Whether it can be played at all.
  PS_CO_TRY_VOID(MakeInitSegment(variant.tracks));
  if (session.transport) PS_CO_TRY_VOID(CheckTransport(variant.tracks));
  for (const ItemHeader& item : list.listed()) {
    const auto us = static_cast<uint64_t>(EntryDuration(item).count());
    if (!IsPlayable(item)) continue;
    variant.bits_per_second =
        std::max(variant.bits_per_second, uint64_t{item.body_bytes} * 8'000'000 / us);
  }
  co_return variant;
}

Task<Result<Resource>> HlsService::Init(StreamName stream, HlsFileName name, uint32_t track) {
  CHECK(name.kind == HlsFileName::Kind::kInit);
  PS_CO_TRY(ShardPtr shard, impl_->OpenShard(stream, name));
  Result<fragmenter::TrackSet> tracks = co_await LoadTrackSet(shard, name.id);
  if (!tracks.ok() && IsDamage(tracks.error())) {
    impl_->damaged.AddTrackSet(shard->id(), name.id, tracks.error());
    co_return Error(
        ErrorCode::kNotFound,
        fmt::format("track set {} is damaged: what was recorded with it is a gap", name.id));
  }
  if (!tracks.ok()) co_return tracks.error();
  PS_CO_TRY_VOID(KeepTrack(track, *tracks));
  PS_CO_TRY(Bytes bytes, MakeInitSegment(ServedTracks(*tracks)));
  Resource resource;
  resource.content_type = ContentType(*tracks);
  resource.etag =
      fmt::format("\"{}-i{}-{}{}\"", name.life, name.id, kSegmentFormat, TrackTag(track));
  resource.immutable = true;
  resource.parts.emplace_back(ByteChain(std::move(bytes)));
  co_return resource;
}

Task<Result<Resource>> HlsService::Segment(StreamName stream, HlsFileName name, uint32_t track) {
  CHECK(name.kind == HlsFileName::Kind::kSegment || IsTransport(name));
  PS_CO_TRY(ShardPtr shard, impl_->OpenShard(stream, name));
  // What retention has hidden is not given out of the cache either.
  const bool trimmed = !shard->GetStatus().Shows(name.id);
  const std::string key = shard->id().ToString() + FormatHlsFileName(name) + TrackTag(track);
  if (!trimmed) {
    if (std::optional<Resource> cached = impl_->segments.Get(key)) co_return std::move(*cached);
  }
  std::optional<Oneshot<SingleFlight::Outcome>> others = impl_->flights.Join(key);
  if (others) co_return co_await *others;
  SingleFlight::Leader leader(impl_->flights, key);
  Result<Resource> loaded = co_await impl_->ReadSegment(shard, name, track);
  if (loaded.ok()) impl_->segments.Put(key, *loaded, MemoryCost(*loaded));
  leader.Finish(loaded);
  co_return loaded;
}

}  // namespace penstock::playback
