#include "server/notifications/notifier.h"

#include <algorithm>

#include "base/log.h"
#include "server/notifications/notification_metrics.h"
#include "server/notifications/payload.h"
#include "server/operations/video/configurations.h"
#include "server/operations/video/stream_arn.h"
#include "server/operations/video/stream_info.h"
#include "server/outgoing/pauses.h"
#include "store/asked_flags.h"

namespace penstock::server::notifications {
namespace {

namespace video = aws::video;
using std::chrono::milliseconds;

// How long the index is left alone after it could not be read.
constexpr milliseconds kIndexPause{1000};
// Failures in the log, in a minute: of one stream one, of all together so many. Metrics have all.
constexpr std::chrono::minutes kLogTime{1};
constexpr int kLogLinesMax = 10;

bool Asks(const store::ItemHeader& item) {
  return item.kind == store::ItemKind::kFragment &&
         (item.flags & store::kFlagAsksNotification) != 0 &&
         (item.flags & store::kFlagDropped) == 0;
}

ServerTime EndOf(const store::ItemHeader& item) {
  return item.server_time + std::chrono::duration_cast<milliseconds>(item.duration);
}

bool IsEnabled(const Json& configuration) {
  return configuration["Status"].AsString() == video::kEnabled;
}

std::string_view UriOf(const Json& configuration) {
  return configuration["DestinationConfig"]["Uri"].AsString();
}

Json PlaceJson(uint64_t ordinal) {
  Json json;
  json.Set("ordinal", ordinal);
  return json;
}

}  // namespace

// One stream. The loop's thread only, but for what the Notifier's mutex guards.
struct Notifier::Watch {
  explicit Watch(store::StreamInfo i) : info(std::move(i)) {}

  const store::StreamInfo info;
  std::shared_ptr<store::Shard> shard;
  CancelSource wake;     // ends what it waits for, so that it looks around
  uint64_t place = 0;    // the first ordinal that was not looked at
  bool changed = false;  // a place that is not saved would repeat a notification
  SteadyTime saved;
  std::optional<SteadyTime> logged;

  NotificationStatus status;  // the mutex

  void Wake() {
    CancelSource before = std::exchange(wake, CancelSource());
    before.Cancel();
  }
};

Notifier::Notifier(store::Store& store, net::EventLoops& loops, const aws::Context& aws,
                   Outgoing& outgoing, Clock& clock, Options options)
    : store_(store),
      aws_(aws),
      outgoing_(outgoing),
      clock_(clock),
      options_(std::move(options)),
      loop_(loops.Next()) {
  NotificationMetrics::Get();
}

Notifier::~Notifier() { CHECK(!started_); }

void Notifier::Start() {
  started_ = true;
  for (const store::StreamInfo& info : store_.ListStreams()) Look(info);
}

void Notifier::Stop() {
  if (!started_) return;
  SyncWait(RunOn(loop_, StopHere()));
  started_ = false;
}

Task<void> Notifier::StopHere() {
  stopping_ = true;
  std::vector<std::shared_ptr<Watch>> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, watch] : watches_) all.push_back(watch);
  }
  for (const auto& watch : all) watch->Wake();
  co_await group_.Join();
}

Status Notifier::Check(const Json& configuration) const {
  const std::string_view uri = UriOf(configuration);
  if (!IsHttpUrl(uri)) return Status();
  PS_TRY(const HttpUrl url, HttpUrl::Parse(uri));
  if (options_.allowed.MayAllow(url.host)) return Status();
  return Error(
      ErrorCode::kInvalidArgument,
      "The setting notifications.allow does not let notifications go to " + url.host + ".");
}

Task<Status> Notifier::BeginHere(store::StreamInfo info) {
  const auto shard = store_.OpenShard(info.shard);
  if (!shard) co_return Status();
  Json place = PlaceJson(shard->GetStatus().next_ordinal);
  std::string kind(video::kNotifiedKind);
  co_return co_await video::SaveAttachment(store_, std::move(info), std::move(kind),
                                           std::move(place));
}

void Notifier::Look(store::StreamInfo info) {
  loop_.Post([this, info = std::move(info)] { LookHere(info); });
}

std::optional<HttpUrl> Notifier::DestinationOf(const store::StreamInfo& info) const {
  const auto now = store_.GetStream(info.name);
  if (!now || now->shard != info.shard) return std::nullopt;
  const Json configuration =
      video::LoadAttachment(store_.catalog(), info.shard, video::kNotificationKind);
  if (!IsEnabled(configuration)) return std::nullopt;
  auto url = HttpUrl::Parse(UriOf(configuration));
  if (!url.ok()) return std::nullopt;
  return std::move(*url);
}

void Notifier::LookHere(const store::StreamInfo& info) {
  if (stopping_) return;
  std::shared_ptr<Watch> watch;
  {
    const std::lock_guard lock(mutex_);
    const auto found = watches_.find(info.shard);
    if (found != watches_.end()) watch = found->second;
  }
  if (watch) {
    watch->Wake();
    return;
  }
  if (!DestinationOf(info)) return;
  watch = std::make_shared<Watch>(info);
  watch->shard = store_.OpenShard(info.shard);
  if (!watch->shard) return;
  {
    const std::lock_guard lock(mutex_);
    watches_.emplace(info.shard, watch);
  }
  group_.Spawn(Run(std::move(watch)));
}

// Where it was, but nothing that is so old that it would be given up.
Task<void> Notifier::FindPlace(Watch& watch) {
  const Json saved =
      video::LoadAttachment(store_.catalog(), watch.info.shard, video::kNotifiedKind);
  const uint64_t next = watch.shard->GetStatus().next_ordinal;
  watch.place = next;
  if (saved.is_null()) co_return;
  watch.place = std::min(static_cast<uint64_t>(saved["ordinal"].AsInt()), next);
  if (watch.place == next) co_return;
  store::Selector recent = store::FromServerTime{clock_.Now() - options_.give_up};
  const auto found = co_await watch.shard->Find(recent, 1);
  if (!found.ok()) co_return;
  watch.place = std::max(watch.place, found->empty() ? next : found->front().header.ordinal);
}

Task<void> Notifier::Run(std::shared_ptr<Watch> watch) {
  co_await FindPlace(*watch);
  while (!stopping_) {
    // Taken before the look at the configuration: a change behind it ends all waiting.
    const CancelToken token = watch->wake.token();
    const std::optional<HttpUrl> url = DestinationOf(watch->info);
    if (!url) break;
    const uint64_t end = watch->shard->GetStatus().next_ordinal;
    store::Selector from = store::FromOrdinal{watch->place};
    const auto found = co_await watch->shard->Find(from, limits::kNotificationPage);
    if (!found.ok()) {
      if (found.error().code() == ErrorCode::kClosed) break;
      LogFailure(*watch, "notifications cannot read the index", found.error().message());
      (void)co_await Sleep(kIndexPause, token);  // cancelled or not: the next look decides
      continue;
    }
    for (const store::ItemRef& item : *found) {
      const bool passed = co_await Pass(watch, *url, item, token);
      if (!passed) break;
      watch->place = item.header.ordinal + 1;
    }
    if (!found->empty()) {
      if (watch->changed && loop_.SteadyNow() - watch->saved >= options_.save_time)
        co_await Save(watch);
      continue;
    }
    watch->place = std::max(watch->place, end);  // only ordinals that were never stored
    const Status waited = co_await Wait(watch, token);
    if (!waited.ok() && waited.error().code() == ErrorCode::kClosed) break;
  }
  {
    const std::lock_guard lock(mutex_);
    watches_.erase(watch->info.shard);
  }
  if (stopping_ && watch->changed) co_await Save(watch);
}

// For the next item, or until the place is due to be saved.
Task<Status> Notifier::Wait(std::shared_ptr<Watch> watch, CancelToken token) {
  if (watch->changed && loop_.SteadyNow() - watch->saved >= options_.save_time)
    co_await Save(watch);
  if (!watch->changed) co_return co_await watch->shard->WaitForOrdinal(watch->place, token);
  const SteadyTime due = watch->saved + options_.save_time;
  const Executor::TimerId timer = loop_.StartTimer(due, [watch] { watch->Wake(); });
  Status status = co_await watch->shard->WaitForOrdinal(watch->place, token);
  loop_.StopTimer(timer);
  co_return status;
}

Task<void> Notifier::Save(std::shared_ptr<Watch> watch) {
  watch->changed = false;
  watch->saved = loop_.SteadyNow();
  Json place = PlaceJson(watch->place);
  std::string kind(video::kNotifiedKind);
  const Status saved =
      co_await video::SaveAttachment(store_, watch->info, std::move(kind), std::move(place));
  // What is not saved is repeated after a crash.
  if (!saved.ok() && saved.error().code() != ErrorCode::kNotFound)
    LogFailure(*watch, "the place of notifications is not saved", saved.error().message());
}

// True when the item is done with; false to look around first.
Task<bool> Notifier::Pass(std::shared_ptr<Watch> watch, HttpUrl url, store::ItemRef item,
                          CancelToken token) {
  if (!Asks(item.header)) co_return true;
  const auto info = store_.GetStream(watch->info.name);
  if (!info || info->shard != watch->info.shard) co_return false;
  if (info->retention_hours == 0) co_return true;  // never durable, so never told
  const auto payload = co_await Read(watch, item);
  if (token.cancelled()) co_return false;
  watch->changed = true;
  if (!payload.ok()) {
    Settle(*watch, NotificationMetrics::Get().lost, &NotificationStatus::lost,
           payload.error().message());
    co_return true;
  }
  if (!*payload) co_return true;
  const ServerTime end = EndOf(item.header);
  Pauses pauses(options_.pause_first, options_.pause_last, RandomU64());
  for (int tries = 0;; ++tries) {
    if (clock_.Now() - end > options_.give_up) {
      Settle(*watch, NotificationMetrics::Get().expired, &NotificationStatus::expired,
             "given up: it could not be delivered in time");
      co_return true;
    }
    NoteWaiting(*watch, end);
    const Verdict verdict = co_await Try(url, **payload, tries > 0, token);
    if (verdict.kind == Verdict::Kind::kDelivered) {
      const milliseconds delay = std::max(clock_.Now() - end, milliseconds(0));
      NotificationMetrics::Get().delay.Record(std::chrono::duration<double>(delay).count());
      Settle(*watch, NotificationMetrics::Get().delivered, &NotificationStatus::delivered, "");
      co_return true;
    }
    if (token.cancelled()) co_return false;
    NoteFailure(*watch, verdict);
    if (verdict.kind == Verdict::Kind::kRefused) {
      Settle(*watch, NotificationMetrics::Get().refused, &NotificationStatus::refused,
             verdict.text);
      co_return true;
    }
    const Status slept = co_await Sleep(pauses.Next(), token);
    if (!slept.ok() || !DestinationOf(watch->info)) co_return false;  // deleted meanwhile
  }
}

// Nothing if none of its tags asks for it, which the flag is wrong about then.
Task<Result<std::optional<std::string>>> Notifier::Read(std::shared_ptr<Watch> watch,
                                                        store::ItemRef item) {
  const Gate::Seat seat = co_await reads_.Enter();
  PS_CO_TRY(const store::ItemBytes bytes,
            co_await watch->shard->Open(item, store::BodyForm::kMemory));
  PS_CO_TRY(std::optional<Json> tags,
            NotificationTags(std::get<ByteChain>(bytes.body), bytes.meta));
  std::optional<std::string> payload;
  if (!tags) co_return payload;
  const video::StreamArn arn{watch->info.name, watch->info.created};
  payload = NotificationPayload(FormatStreamArn(aws_, arn), item.header, std::move(*tags));
  co_return payload;
}

Task<Verdict> Notifier::Try(HttpUrl url, std::string payload, bool again, CancelToken token) {
  Gate::Seat retry;
  if (again) retry = co_await retries_.Enter();
  const Gate::Seat turn = co_await turns_.Enter();
  OutgoingRequest request;
  request.url = std::move(url);
  request.body = std::move(payload);
  request.time = options_.time;
  request.allowed = &options_.allowed;
  request.headers.Set("Content-Type", "application/json");
  // Somebody else chose where this goes. A service that trusts whoever is on its own machine, as
  // ours does, sees by this that it is not asked by one that is.
  request.headers.Set("Via", "1.1 penstock");
  if (token.cancelled()) co_return Verdict();
  const auto answer = co_await outgoing_.Send(std::move(request), token);
  co_return Judge(answer);
}

void Notifier::NoteWaiting(Watch& watch, ServerTime since) {
  const std::lock_guard lock(mutex_);
  watch.status.waiting_since = since;
}

void Notifier::NoteFailure(Watch& watch, const Verdict& verdict) {
  NotificationMetrics::Failure(verdict.reason).Add();
  {
    const std::lock_guard lock(mutex_);
    ++watch.status.failed_tries;
    watch.status.last_error = verdict.text;
    watch.status.last_error_time = clock_.Now();
  }
  if (verdict.kind == Verdict::Kind::kAgain)
    LogFailure(watch, "notification fails and is tried again", verdict.text);
}

// The one under way is over. An error is why nobody was told.
void Notifier::Settle(Watch& watch, metrics::Counter& counter, uint64_t NotificationStatus::*count,
                      std::string_view error) {
  counter.Add();
  int failed_tries = 0;
  {
    const std::lock_guard lock(mutex_);
    ++(watch.status.*count);
    watch.status.waiting_since.reset();
    failed_tries = std::exchange(watch.status.failed_tries, 0);
    if (!error.empty()) {
      watch.status.last_error = error;
      watch.status.last_error_time = clock_.Now();
    }
  }
  if (!error.empty()) {
    LogFailure(watch, "notification not delivered", error);
  } else if (failed_tries > 0 && watch.logged) {
    watch.logged.reset();
    log::Write(log::kInfo, "notifications are delivered again",
               {{"stream", watch.info.name.text()}});
  }
}

void Notifier::LogFailure(Watch& watch, std::string_view event, std::string_view error) {
  const SteadyTime now = loop_.SteadyNow();
  if (watch.logged && now - *watch.logged < kLogTime) return;
  if (now - log_begin_ >= kLogTime) {
    log_begin_ = now;
    log_lines_ = 0;
  }
  if (log_lines_ == kLogLinesMax) return;
  ++log_lines_;
  watch.logged = now;
  log::Write(log::kWarning, event, {{"stream", watch.info.name.text()}, {"error", error}});
}

std::optional<NotificationStatus> Notifier::GetStatus(const store::StreamInfo& info) const {
  const Json configuration =
      video::LoadAttachment(store_.catalog(), info.shard, video::kNotificationKind);
  if (!IsEnabled(configuration)) return std::nullopt;
  NotificationStatus status;
  status.webhook = IsHttpUrl(UriOf(configuration));
  if (!status.webhook) return status;
  const std::lock_guard lock(mutex_);
  const auto found = watches_.find(info.shard);
  if (found != watches_.end()) status = found->second->status;
  status.webhook = true;
  return status;
}

milliseconds Notifier::Lag() const {
  std::optional<ServerTime> oldest;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, watch] : watches_) {
      const auto& since = watch->status.waiting_since;
      if (since && (!oldest || *since < *oldest)) oldest = since;
    }
  }
  return oldest ? std::max(clock_.Now() - *oldest, milliseconds(0)) : milliseconds(0);
}

}  // namespace penstock::server::notifications
