#include "server/images/image_generator.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "server/images/image_metrics.h"
#include "server/images/image_name.h"
#include "server/operations/video/configurations.h"
#include "server/operations/video/image_settings.h"
#include "server/operations/video/shapes.h"
#include "server/operations/video/stream_info.h"

namespace penstock::server::images {
namespace {

using aws::video::kByProducerTime;
using aws::video::kEnabled;
using aws::video::kImagesKind;
using playback::TimeAxis;

// Of a stream, looked up at once.
constexpr size_t kFragmentsStep = 4;
// Configurations are read again with every so many looks: they are in memory, but streams are many.
constexpr int kLooksPerReading = 5;

}  // namespace

ImageGenerator::ImageGenerator(store::Store& store, playback::ImageService& images, Clock& clock,
                               OpenDestination open, ImageGenerationOptions options)
    : store_(store),
      images_(images),
      open_(std::move(open)),
      options_(std::move(options)),
      behind_(SkippedImages("behind")),
      busy_(SkippedImages("busy")),
      no_picture_(SkippedImages("no-picture")),
      delivery_(clock, options_.delivery) {}

ImageGenerator::~ImageGenerator() { CHECK(home_ == nullptr); }

void ImageGenerator::Start(Executor& home) {
  CHECK(home_ == nullptr);
  home_ = &home;
  home.Post([this] { tasks_.Spawn(Run()); });
}

void ImageGenerator::Stop() {
  if (home_ == nullptr) return;
  SyncWait(RunOn(*home_, StopTasks()));
  home_ = nullptr;
}

Task<void> ImageGenerator::StopTasks() {
  tasks_.Cancel();
  for (const FollowedPtr& stream : AllFollowed()) stream->stop.Cancel();
  co_await tasks_.Join();
}

Task<void> ImageGenerator::Run() {
  const CancelToken token = tasks_.token();
  while (!token.cancelled()) {
    co_await ReadConfigurations();
    for (const FollowedPtr& stream : AllFollowed()) {
      if (token.cancelled() || stream->running || !stream->destination) continue;
      stream->running = true;
      tasks_.Spawn(RunOne(stream));
    }
    // Cancelled: the loop ends.
    (void)co_await Sleep(options_.look_every * kLooksPerReading, token);
  }
}

Task<void> ImageGenerator::RunOne(FollowedPtr stream) {
  const CancelToken token = stream->stop.token();
  while (!token.cancelled()) {
    const bool any = co_await Step(stream, token);
    // Cancelled: the loop ends.
    if (!any) (void)co_await Sleep(options_.look_every, token);
  }
}

std::vector<ImageGenerator::FollowedPtr> ImageGenerator::AllFollowed() const {
  const std::lock_guard lock(mutex_);
  std::vector<FollowedPtr> out;
  for (const auto& [shard, stream] : followed_) out.push_back(stream);
  return out;
}

std::optional<ImageStatus> ImageGenerator::GetStatus(const ShardId& shard) const {
  const std::lock_guard lock(mutex_);
  const auto found = followed_.find(shard);
  if (found == followed_.end()) return std::nullopt;
  const Followed& stream = *found->second;
  if (!stream.destination && stream.nowhere.empty()) return std::nullopt;
  return ImageStatus{stream.nowhere, stream.delivery->Status()};
}

Task<void> ImageGenerator::ReadConfigurations() {
  std::set<ShardId> wanted;
  for (const store::StreamInfo& info : store_.ListStreams()) {
    const auto entry = store_.catalog().Get(aws::video::AttachmentKey(info.shard, kImagesKind));
    if (!entry) continue;
    wanted.insert(info.shard);
    const auto known = followed_.find(info.shard);
    if (known == followed_.end() || known->second->version != entry->version)
      co_await Follow(info, *entry);
  }
  for (const FollowedPtr& stream : AllFollowed()) {
    if (!wanted.contains(stream->info.shard)) stream->stop.Cancel();
  }
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(followed_, [&](const auto& one) { return !wanted.contains(one.first); });
  }
  resumed_ = true;
}

Task<void> ImageGenerator::Follow(store::StreamInfo info, store::CatalogEntry entry) {
  const auto made = std::make_shared<Followed>(info);
  Followed& stream = *made;
  stream.version = entry.version;
  stream.shard = store_.OpenShard(info.shard);
  const auto before = followed_.find(info.shard);
  const FollowedPtr known = before == followed_.end() ? nullptr : before->second;
  stream.delivery =
      known ? known->delivery : std::make_shared<DeliveryState>(std::string(info.name.text()));
  const auto config = Json::Parse(entry.value.text());
  const bool wanted = config.ok() && (*config)["Status"].AsString() == kEnabled && stream.shard;
  if (wanted) {
    if ((*config)["ImageSelectorType"].AsString() == kByProducerTime)
      stream.axis = TimeAxis::kProducer;
    stream.schedule.emplace(stream.axis, (*config)["SamplingInterval"].AsInt(1000) * 1000);
    const auto form = aws::video::ReadImageForm(*config);
    if (form.ok()) stream.form = *form;
    const std::string_view uri = (*config)["DestinationConfig"]["Uri"].AsString();
    auto opened = open_(uri);
    if (opened.ok()) {
      stream.destination = std::move(*opened);
    } else {
      stream.nowhere = opened.error().message();
      log::Write(log::kWarning, "images of a stream are not made",
                 {{"stream", info.name.text()}, {"reason", opened.error().message()}});
    }
    // From now on; only what runs over a restart goes on where it was.
    if (known && known->destination) {
      stream.next_ordinal = known->next_ordinal;
    } else if (resumed_) {
      stream.next_ordinal = stream.shard->GetStatus().next_ordinal;
    } else {
      stream.next_ordinal = co_await ResumeAt(stream.shard);
    }
  }
  if (known) known->stop.Cancel();
  const std::lock_guard lock(mutex_);
  followed_.insert_or_assign(info.shard, made);
}

Task<uint64_t> ImageGenerator::ResumeAt(std::shared_ptr<store::Shard> shard) {
  const store::ShardStatus status = shard->GetStatus();
  if (!status.newest) co_return status.next_ordinal;
  store::Selector from = store::FromServerTime{status.newest->server_time - options_.resume};
  const auto found = co_await shard->Find(from, 1);
  if (!found.ok() || found->empty()) co_return status.next_ordinal;
  co_return std::max(found->front().header.ordinal, status.oldest_ordinal);
}

Task<void> ImageGenerator::Look(CancelToken token) {
  for (const FollowedPtr& stream : AllFollowed()) {
    bool any = stream->destination != nullptr;
    while (any && !token.cancelled()) any = co_await Step(stream, token);
  }
}

Task<bool> ImageGenerator::Step(FollowedPtr stream, CancelToken token) {
  store::Selector from = store::FromOrdinal{stream->next_ordinal};
  const auto found = co_await stream->shard->Find(from, kFragmentsStep);
  // What the index cannot say now it may say at the next look.
  if (!found.ok() || found->empty()) co_return false;
  for (const store::ItemRef& item : *found) {
    if (token.cancelled()) co_return false;
    stream->next_ordinal = item.header.ordinal + 1;
    if (item.header.kind != store::ItemKind::kFragment) continue;
    co_await MakeImages(stream, item, token);
  }
  co_return true;
}

Task<void> ImageGenerator::MakeImages(FollowedPtr stream, store::ItemRef item, CancelToken token) {
  std::vector<int64_t> due = stream->schedule->Next(item.header);
  const auto newest = stream->shard->GetStatus().newest;
  if (newest && newest->server_time - item.header.server_time > options_.behind_max) {
    behind_.Add(due.size());
    co_return;
  }
  // Best effort: of what cannot be read nothing is known.
  const auto wished = co_await FindRequest(stream->shard, item);
  const std::optional<ImageRequest> request = wished.ok() ? *wished : std::nullopt;
  const int64_t start_us = playback::StartOn(stream->axis, item.header);
  if (request) due.insert(due.begin(), start_us);
  if (due.empty()) co_return;

  std::vector<std::chrono::microseconds> after;
  for (const int64_t point : due) after.emplace_back(std::max<int64_t>(point - start_us, 0));
  ImageDelivery::Place place = co_await delivery_.Enter(*stream->delivery);
  Gate::Seat turn = co_await making_.Enter();
  if (token.cancelled()) co_return;
  auto made = co_await images_.Get(stream->shard, item, after, stream->form);
  turn = Gate::Seat();
  if (!made.ok()) {
    (made.error().code() == ErrorCode::kThrottled ? busy_ : no_picture_).Add(due.size());
    co_return;
  }
  for (size_t i = 0; i < due.size() && !token.cancelled(); ++i) {
    if (!(*made)[i].ok()) {
      no_picture_.Add();
      continue;
    }
    const bool asked = request && i == 0;
    const ImageOf shown{item, after[i], due[i] / 1000};
    NewImage image;
    image.key = NameImage(shown, asked ? request->prefix : std::string(), options_.account,
                          stream->info.name.text(), stream->form);
    image.content_type = playback::ContentTypeOf(stream->form.format);
    image.metadata = DescribeImage(shown, asked ? request->tags : decltype(request->tags)());
    image.content = *(*made)[i];
    co_await delivery_.Deliver(*stream->delivery, *stream->destination, std::move(image), place,
                               token);
  }
}

// The tags of a fragment stand behind its frames; cameras' fragments have none, and are not read.
Task<Result<std::optional<ImageRequest>>> ImageGenerator::FindRequest(
    std::shared_ptr<store::Shard> shard, store::ItemRef item) {
  PS_CO_TRY(const Bytes meta, co_await shard->ReadMeta(item));
  PS_CO_TRY(const fragmenter::FrameTable table, fragmenter::FrameTable::Decode(meta));
  const size_t end = EndOfFrames(table);
  if (end == 0 || end >= item.header.body_bytes) co_return std::optional<ImageRequest>();
  PS_CO_TRY(store::ItemBytes bytes, co_await shard->Open(item, store::BodyForm::kMemory));
  const ByteChain& body = std::get<ByteChain>(bytes.body);
  if (end > body.size()) co_return Error(ErrorCode::kCorruption, "a frame behind the body's end");
  const Bytes tail = body.Slice(end, body.size() - end).Flatten();
  co_return ReadImageRequest(tail);
}

}  // namespace penstock::server::images
