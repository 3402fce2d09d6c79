#include "ingest/upload/uploads.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"

namespace penstock::ingest {
namespace {

// Streams whose runs are remembered while nobody uploads; another one's goes on with a new run.
constexpr size_t kRememberedMax = 1024;

}  // namespace

Task<Result<std::shared_ptr<Uploads::Seat>>> Uploads::Begin(store::StreamInfo info,
                                                            std::shared_ptr<store::Shard> shard,
                                                            std::string source) {
  PS_CO_TRY(std::shared_ptr<UploadStream> stream, Take(info.name, shard, source));
  auto seat = std::make_shared<Seat>(*this, stream);
  std::optional<MediaEnd> before = co_await registry_.FindMediaEnd(info.name, std::move(shard));
  stream->Resume(std::move(before));
  co_return seat;
}

Result<std::shared_ptr<UploadStream>> Uploads::Take(const StreamName& name,
                                                    std::shared_ptr<store::Shard> shard,
                                                    const std::string& source) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return Error(ErrorCode::kUnavailable, "The server is about to end.");
  Entry& entry = entries_[shard->id()];
  if (!entry.stream) {
    auto view = std::make_shared<UploadView>(clock_.SteadyNow());
    entry.stream = std::make_shared<UploadStream>(name, shard, std::move(view));
  }
  if (entry.seats >= options_.connections) {
    return Error(ErrorCode::kThrottled,
                 fmt::format("{} connections upload to this stream already.", entry.seats));
  }
  if (entry.seats == 0) {
    const Status claimed = registry_.Claim(name, source, entry.stream->view_ptr());
    if (!claimed.ok()) {
      entries_.erase(shard->id());
      return Error(ErrorCode::kThrottled, claimed.error().message());
    }
    log::Write(log::kInfo, "publication began", {{"stream", name.text()}, {"source", source}});
  }
  ++entry.seats;
  UploadMetrics::Get().connections.Add(1);
  return entry.stream;
}

void Uploads::Leave(UploadStream& stream, store::GapReason reason) {
  UploadMetrics::Get().connections.Add(-1);
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[stream.shard().id()];
    if (--entry.seats > 0) return;
    entry.left = ++leavings_;
    const std::optional<MediaEnd> end = stream.End(reason);
    if (end) registry_.NoteEnd(stream.name(), stream.shard().id(), end->ordinal, reason);
    // While nobody can begin anew: whoever does finds the publication ended.
    registry_.Ended(stream.name());
    if (entries_.size() > kRememberedMax) ForgetOldest();
  }
}

void Uploads::Stop() {
  std::map<uint64_t, std::function<void()>> stops;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    stops.swap(stops_);
  }
  for (const auto& [id, function] : stops) function();
}

uint64_t Uploads::OnStop(std::function<void()> function) {
  const std::lock_guard lock(mutex_);
  stops_.emplace(++last_stop_, std::move(function));
  return last_stop_;
}

void Uploads::ForgetStop(uint64_t id) {
  const std::lock_guard lock(mutex_);
  stops_.erase(id);
}

void Uploads::ForgetOldest() {
  auto oldest = entries_.end();
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->second.seats > 0) continue;
    if (oldest == entries_.end() || entry->second.left < oldest->second.left) oldest = entry;
  }
  if (oldest != entries_.end()) entries_.erase(oldest);
}

}  // namespace penstock::ingest
