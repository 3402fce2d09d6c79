#include "playback/images/image_service.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>

#include <fmt/format.h>
#include <sys/resource.h>

#include "base/metrics.h"
#include "fragmenter/media.h"
#include "playback/images/frame_choice.h"
#include "playback/images/make_images.h"
#include "playback/shared_cache.h"

namespace penstock::playback {
namespace {

using ShardPtr = std::shared_ptr<store::Shard>;

// What an entry costs beside its image.
constexpr size_t kEntryBytes = 512;

// So many at a time; the others wait in line, so many at most. Thread-safe.
class Turnstile {
 public:
  Turnstile(size_t inside_max, size_t waiting_max)
      : inside_max_(inside_max), waiting_max_(waiting_max) {}

  // Inside until it is destroyed. Movable.
  class Pass {
   public:
    explicit Pass(Turnstile& at) : at_(&at) {}
    Pass(Pass&& other) noexcept : at_(std::exchange(other.at_, nullptr)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (at_ != nullptr) at_->Leave();
    }

   private:
    Turnstile* at_;
  };

  // kThrottled if too many wait already.
  Task<Result<Pass>> Enter() {
    Oneshot<Unit> turn;
    bool waits = false;
    {
      const std::lock_guard lock(mutex_);
      waits = inside_ == inside_max_;
      if (waits && waiting_.size() == waiting_max_)
        co_return Error(ErrorCode::kThrottled, "Too many images are wanted at once.");
      if (waits) {
        waiting_.push_back(turn);
      } else {
        ++inside_;
      }
    }
    if (waits) co_await turn;
    co_return Pass(*this);
  }

 private:
  // Whoever waits longest takes the place.
  void Leave() {
    std::optional<Oneshot<Unit>> next;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) {
        --inside_;
        return;
      }
      next = waiting_.front();
      waiting_.pop_front();
    }
    next->Set(Unit());
  }

  const size_t inside_max_;
  const size_t waiting_max_;
  std::mutex mutex_;
  size_t inside_ = 0;
  std::deque<Oneshot<Unit>> waiting_;
};

// Recording goes first: images take what processor time is left.
void GiveWay() {
  constexpr int kNice = 10;
  static thread_local const bool done = [] {
    // Best effort: of this thread alone, as Linux has it.
    (void)setpriority(PRIO_PROCESS, 0, kNice);
    return true;
  }();
  (void)done;
}

Resource ToResource(const Bytes& image, ImageFormat format) {
  Resource resource;
  resource.content_type = ContentTypeOf(format);
  resource.immutable = true;
  resource.parts.emplace_back(ByteChain(image));
  return resource;
}

Bytes ImageOf(const Resource& resource) {
  return std::get<ByteChain>(resource.parts.front()).Flatten();
}

// What is wrong with the stored pictures or the image, and will be the next time.
bool IsOfTheImage(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kCorruption:
    case ErrorCode::kIo:
    case ErrorCode::kUnsupported:
    case ErrorCode::kTooLarge:
    case ErrorCode::kTimeout:
      return true;
    default:
      return false;
  }
}

// What has to be known of a fragment before any of its bytes are read.
struct Known {
  fragmenter::TrackConfig track;
  fragmenter::FrameTable table;
};

Task<Result<Known>> Look(ShardPtr shard, store::ItemRef fragment) {
  PS_CO_TRY(const store::TrackSet stored, co_await shard->GetTrackSet(fragment.header.track_set));
  PS_CO_TRY(const fragmenter::TrackSet tracks, fragmenter::DecodeTrackSet(stored.meta));
  const fragmenter::TrackConfig* const video = FirstVideo(tracks);
  if (video == nullptr) co_return Error(ErrorCode::kUnsupported, "there is only sound");
  Known known;
  known.track = *video;
  PS_CO_TRY(const Bytes meta, co_await shard->ReadMeta(fragment));
  PS_CO_TRY(known.table, fragmenter::FrameTable::Decode(meta));
  co_return known;
}

}  // namespace

struct ImageService::Impl {
  explicit Impl(ImageOptions o)
      : turnstile(o.threads, o.waiting_max),
        cache(o.cache_bytes, "image"),
        pool(o.threads, "ps-images") {}

  // One for each place, in one pass. An error is of all of them.
  Task<Result<Images>> Decode(ShardPtr shard, store::ItemRef fragment,
                              std::shared_ptr<const Known> known, ImageForm form,
                              std::vector<size_t> places);

  Turnstile turnstile;
  ResourceCache cache;
  SingleFlight flights;
  metrics::Counter& made = metrics::GetCounter("penstock_images_made_total", "Images made");
  metrics::Counter& failed =
      metrics::GetCounter("penstock_images_failed_total", "Images that could not be made");
  std::atomic<bool> stop{false};
  ThreadPool pool;  // last: its threads end first
};

ImageService::ImageService(ImageOptions options) : impl_(std::make_unique<Impl>(options)) {}
ImageService::~ImageService() { Stop(); }
void ImageService::Stop() { impl_->stop = true; }

Task<Result<ImageService::Images>> ImageService::Impl::Decode(ShardPtr shard,
                                                              store::ItemRef fragment,
                                                              std::shared_ptr<const Known> known,
                                                              ImageForm form,
                                                              std::vector<size_t> places) {
  PS_CO_TRY(const Turnstile::Pass pass, co_await turnstile.Enter());
  PS_CO_TRY(store::ItemBytes bytes, co_await shard->Open(fragment, store::BodyForm::kMemory));
  const ByteChain cluster = std::get<ByteChain>(std::move(bytes.body));
  auto job = [known, cluster, places, form, stop = &stop] {
    GiveWay();
    return MakeImages(known->track, known->table, cluster, places, form, stop);
  };
  co_return co_await RunBlocking(pool, std::move(job));
}

Task<Result<ImageService::Images>> ImageService::Get(std::shared_ptr<store::Shard> shard,
                                                     store::ItemRef fragment,
                                                     std::vector<std::chrono::microseconds> after,
                                                     ImageForm form) {
  Result<Known> looked = co_await Look(shard, fragment);
  if (!looked.ok()) {
    if (!IsOfTheImage(looked.error())) co_return looked.error();
    co_return Images(after.size(), looked.error());
  }
  const auto known = std::make_shared<const Known>(std::move(*looked));
  const FrameChoice choice(known->track, known->table);
  std::map<size_t, std::optional<SingleFlight::Outcome>> images;  // by place
  for (const auto& time : after) {
    if (const auto place = choice.At(time)) images[*place];
  }

  std::vector<std::pair<size_t, Oneshot<SingleFlight::Outcome>>> others;
  std::vector<size_t> mine;
  std::deque<SingleFlight::Leader> leaders;
  std::vector<std::string> keys;
  for (auto& [place, image] : images) {
    std::string key = fmt::format("{}|{}|{}|{}", shard->id().ToString(),
                                  fragment.header.number.index, place, ToKey(form));
    if (std::optional<Resource> cached = impl_->cache.Get(key)) {
      image = std::move(*cached);
    } else if (auto flight = impl_->flights.Join(key)) {
      others.emplace_back(place, std::move(*flight));
    } else {
      leaders.emplace_back(impl_->flights, key);
      mine.push_back(place);
      keys.push_back(std::move(key));
    }
  }
  // One's own first: those whom one waits for may wait for these.
  if (!mine.empty()) {
    const Result<Images> made = co_await impl_->Decode(shard, fragment, known, form, mine);
    for (size_t i = 0; i < mine.size(); ++i) {
      const Result<Bytes> image = made.ok() ? (*made)[i] : made.error();
      (image.ok() ? impl_->made : impl_->failed).Add();
      SingleFlight::Outcome outcome = Error(ErrorCode::kInternal, "");
      if (image.ok()) {
        outcome = ToResource(*image, form.format);
        impl_->cache.Put(keys[i], *outcome, image->size() + kEntryBytes);
      } else {
        outcome = image.error();
      }
      leaders[i].Finish(outcome);
      images[mine[i]] = std::move(outcome);
    }
  }
  for (const auto& [place, flight] : others) images[place] = co_await flight;

  for (const auto& [place, image] : images) {
    if (!(*image).ok() && !IsOfTheImage((*image).error())) co_return (*image).error();
  }
  Images out;
  for (const auto& time : after) {
    const auto place = choice.At(time);
    if (!place) {
      out.emplace_back(Error(ErrorCode::kUnsupported, "the fragment has no picture"));
      continue;
    }
    const SingleFlight::Outcome& image = *images[*place];
    if (image.ok()) {
      out.emplace_back(ImageOf(*image));
    } else {
      out.emplace_back(image.error());
    }
  }
  co_return out;
}

}  // namespace penstock::playback
