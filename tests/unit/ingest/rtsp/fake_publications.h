// Publications that keep in memory what sessions deliver.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "ingest/media_sink.h"

namespace penstock::ingest::rtsp {

// Everything one stream got. Guarded by FakePublications' mutex.
struct Delivered {
  std::map<uint32_t, fragmenter::TrackConfig> configs;
  std::map<uint32_t, std::vector<fragmenter::AccessUnit>> units;
  std::map<uint32_t, uint64_t> lost;
  std::vector<std::pair<uint32_t, int64_t>> sender_reports;  // track, pts
  std::vector<ProducerTime> producer_times;
  std::map<uint32_t, int64_t> starts;  // track, pts
  int breaks = 0;
  int begun = 0;
  int ended = 0;
  std::vector<SourceStatus> statuses;

  size_t UnitsOf(uint32_t track) const {
    const auto found = units.find(track);
    return found == units.end() ? 0 : found->second.size();
  }
};

// Thread-safe.
class FakePublications final : public Publications {
 public:
  Task<Result<std::unique_ptr<MediaSink>>> Begin(StreamName stream, std::string) override {
    const std::lock_guard lock(mutex_);
    if (refusal_) co_return *refusal_;
    if (!active_.insert(stream.text()).second) {
      co_return Error(ErrorCode::kAlreadyExists,
                      fmt::format("stream {} is being published by somebody else", stream.text()));
    }
    ++streams_[stream.text()].begun;
    std::unique_ptr<MediaSink> sink = std::make_unique<Sink>(*this, stream.text());
    co_return std::move(sink);
  }
  void Report(const StreamName& stream, SourceStatus status) override {
    const std::lock_guard lock(mutex_);
    streams_[stream.text()].statuses.push_back(std::move(status));
    changed_.notify_all();
  }

  // A copy of what was delivered so far.
  Delivered Get(const std::string& stream) const {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(stream);
    return found == streams_.end() ? Delivered() : found->second;
  }
  SourceStatus Last(const std::string& stream) const {
    const Delivered got = Get(stream);
    return got.statuses.empty() ? SourceStatus() : got.statuses.back();
  }
  // Waits until what was delivered satisfies the predicate; false if it does not in the time given.
  bool WaitUntil(const std::string& stream, const std::function<bool(const Delivered&)>& satisfied,
                 std::chrono::seconds patience = std::chrono::seconds(30)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return satisfied(streams_[stream]); });
  }
  // What publishes it now is over.
  void DeleteStream(const std::string& stream) {
    const std::lock_guard lock(mutex_);
    deleted_at_[stream] = streams_[stream].begun;
  }
  void Refuse(std::optional<Error> refusal) {
    const std::lock_guard lock(mutex_);
    refusal_ = std::move(refusal);
  }

 private:
  class Sink final : public MediaSink {
   public:
    Sink(FakePublications& owner, std::string stream) : owner_(owner), stream_(std::move(stream)) {}
    ~Sink() override {
      const std::lock_guard lock(owner_.mutex_);
      owner_.active_.erase(stream_);
      ++owner_.streams_[stream_].ended;
      owner_.changed_.notify_all();
    }
    void SetTrack(fragmenter::TrackConfig config) override {
      Do([&](Delivered& d) { d.configs[config.number] = std::move(config); });
    }
    void SenderReport(uint32_t track, int64_t pts, ProducerTime producer, ServerTime) override {
      Do([&](Delivered& d) {
        d.sender_reports.emplace_back(track, pts);
        d.producer_times.push_back(producer);
      });
    }
    void StartsAt(uint32_t track, int64_t pts) override {
      Do([&](Delivered& d) { d.starts[track] = pts; });
    }
    void Push(fragmenter::AccessUnit unit) override {
      Do([&](Delivered& d) { d.units[unit.track].push_back(std::move(unit)); });
    }
    void PacketsLost(uint32_t track, uint64_t count) override {
      Do([&](Delivered& d) { d.lost[track] += count; });
    }
    bool over() const override {
      const std::lock_guard lock(owner_.mutex_);
      const auto deleted = owner_.deleted_at_.find(stream_);
      return deleted != owner_.deleted_at_.end() &&
             deleted->second == owner_.streams_.at(stream_).begun;
    }
    void Break() override {
      Do([](Delivered& d) { ++d.breaks; });
    }

   private:
    template <class Fn>
    void Do(Fn fn) {
      const std::lock_guard lock(owner_.mutex_);
      fn(owner_.streams_[stream_]);
      owner_.changed_.notify_all();
    }
    FakePublications& owner_;
    const std::string stream_;
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Delivered> streams_;
  std::set<std::string> active_;
  std::map<std::string, int> deleted_at_;  // how many publications had begun then
  std::optional<Error> refusal_;
};

}  // namespace penstock::ingest::rtsp
