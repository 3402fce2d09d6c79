// Tells webhooks of fragments whose producers asked for that (AWS_KINESISVIDEO_NOTIFICATION).
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/metrics.h"
#include "base/outgoing_limits.h"
#include "server/notifications/verdict.h"
#include "server/operations/aws_context.h"
#include "server/outgoing/gate.h"
#include "store/store.h"

namespace penstock::server::notifications {

// How one stream's notifications are, since the start of the server.
struct NotificationStatus {
  bool webhook = false;  // false: it is configured to something that nothing is delivered to
  uint64_t delivered = 0;
  uint64_t refused = 0;
  uint64_t expired = 0;
  uint64_t lost = 0;
  // When the fragment ended whose notification is being tried; nothing waits without it.
  std::optional<ServerTime> waiting_since;
  int failed_tries = 0;    // of that one
  std::string last_error;  // for people; empty: none so far
  std::optional<ServerTime> last_error_time;
};

// Nothing is queued: a stream has a place, the ordinal of the first item that was not looked at,
// and goes on from there through the store's index, one notification at a time and in the order of
// fragments. A place is durable now and then, and after an orderly stop, so that a crash repeats
// notifications and loses none: at least once, until one is so old that it is given up.
//
// All streams share one loop, which their state belongs to; a stream whose hook is dead waits
// alone. Configurations are read anew from the catalog before each notification. Start and Stop are
// called by a thread that is no executor's; the rest is thread-safe.
class Notifier {
 public:
  struct Options {
    AllowedHosts allowed;
    std::chrono::milliseconds give_up = std::chrono::hours(1);  // after a fragment's end
    std::chrono::milliseconds pause_first = limits::kWebhookPauseFirst;
    std::chrono::milliseconds pause_last = limits::kWebhookPauseLast;
    std::chrono::milliseconds time = limits::kWebhookTime;
    std::chrono::milliseconds save_time = limits::kNotificationSaveTime;
  };
  // All outlive it.
  Notifier(store::Store& store, net::EventLoops& loops, const aws::Context& aws, Outgoing& outgoing,
           Clock& clock, Options options);
  ~Notifier();  // Requires Stop, if Start was called.

  // Goes on with every stream that has a webhook.
  void Start();
  // Gives up what is under way and saves the places. Idempotent. Blocks. Before the store closes
  // and the loops end.
  void Stop();

  // What of a NotificationConfiguration can be seen to be wrong: kInvalidArgument says it.
  Status Check(const Json& configuration) const;
  // Fragments from now on are told of. To be called before the first configuration of a stream is
  // saved; durable when it completes.
  Task<Status> BeginHere(store::StreamInfo info);
  // The stream's configuration may be another.
  void Look(store::StreamInfo info);

  // Nothing if the stream has no configuration, or a disabled one.
  std::optional<NotificationStatus> GetStatus(const store::StreamInfo& info) const;
  // The age of the oldest fragment whose notification is being tried again.
  std::chrono::milliseconds Lag() const;

 private:
  struct Watch;

  std::optional<HttpUrl> DestinationOf(const store::StreamInfo& info) const;
  void LookHere(const store::StreamInfo& info);
  Task<void> Run(std::shared_ptr<Watch> watch);
  Task<void> FindPlace(Watch& watch);
  Task<Status> Wait(std::shared_ptr<Watch> watch, CancelToken token);
  Task<bool> Pass(std::shared_ptr<Watch> watch, HttpUrl url, store::ItemRef item,
                  CancelToken token);
  Task<Result<std::optional<std::string>>> Read(std::shared_ptr<Watch> watch, store::ItemRef item);
  Task<Verdict> Try(HttpUrl url, std::string payload, bool again, CancelToken token);
  Task<void> Save(std::shared_ptr<Watch> watch);
  Task<void> StopHere();

  void NoteWaiting(Watch& watch, ServerTime since);
  void NoteFailure(Watch& watch, const Verdict& verdict);
  void Settle(Watch& watch, metrics::Counter& counter, uint64_t NotificationStatus::*count,
              std::string_view error);
  void LogFailure(Watch& watch, std::string_view event, std::string_view error);

  store::Store& store_;
  const aws::Context& aws_;
  Outgoing& outgoing_;
  Clock& clock_;
  const Options options_;
  net::EventLoop& loop_;

  // The loop's thread only.
  TaskGroup group_;
  Gate turns_{limits::kWebhooksAtOnceMax};
  Gate retries_{limits::kWebhookRetriesAtOnceMax};
  Gate reads_{limits::kNotificationReadsMax};
  bool stopping_ = false;
  SteadyTime log_begin_;  // of the minute whose lines are counted
  int log_lines_ = 0;

  bool started_ = false;  // Start's and Stop's thread

  mutable std::mutex mutex_;  // of what follows, and of the watches' statuses
  std::map<ShardId, std::shared_ptr<Watch>> watches_;
};

}  // namespace penstock::server::notifications
