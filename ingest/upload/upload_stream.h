// What the uploads of one stream have in common.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "fragmenter/upload/timeline.h"
#include "ingest/recorder.h"
#include "ingest/upload/upload_view.h"
#include "store/shard.h"

namespace penstock::ingest {

// Its run goes on whatever connection brings the next fragment: producers change connections when
// their credentials end, and after a cut. Thread-safe: its connections are on loops of their own.
class UploadStream {
 public:
  UploadStream(StreamName name, std::shared_ptr<store::Shard> shard,
               std::shared_ptr<UploadView> view)
      : name_(std::move(name)), shard_(std::move(shard)), view_(std::move(view)) {}

  const StreamName& name() const { return name_; }
  store::Shard& shard() const { return *shard_; }
  const std::shared_ptr<store::Shard>& shard_ptr() const { return shard_; }
  UploadView& view() const { return *view_; }
  const std::shared_ptr<UploadView>& view_ptr() const { return view_; }

  // The stream's media ends here, as far as is known. Another end than ours: what comes starts a
  // run.
  void Resume(std::optional<MediaEnd> before);

  // Takes the fragment into the stream's order and its append into account; `base_ns` as in
  // UploadTimeline.
  store::NewItem MakeItem(fragmenter::UploadFragment fragment, int64_t base_ns,
                          ProducerTime producer_time, store::Slot slot);
  // The append of an item of this time and run has ended. One that nobody will see is a gap: what
  // follows does not continue its run.
  void EndAppend(ProducerTime producer_time, store::RunId run, bool seen);

  // The fragment that a connection is bringing, from its begin until it is complete or given up.
  struct Coming {
    ProducerTime producer_time;
    Executor* executor = nullptr;  // of its connection
    std::function<void()> give_up;
  };
  uint64_t Begin(Coming coming);
  void EndComing(uint64_t id);
  // Who brings one of this time is sending again what another connection has not brought to its
  // end: that one is not there any more, whether we know it or not. Completes when they have given
  // it up, so that readers are not kept waiting for it.
  Task<void> GiveUpOthers(ProducerTime producer_time);

  // Waits until no fragment that began at this producer time is on its way to the log.
  Task<void> WaitForAppends(ProducerTime producer_time);
  // One that begins now may have been stored already: media of that time or a later one is.
  bool MayBeRepeated(ProducerTime producer_time) const;

  // Nothing more comes: says why, unless that is known. Nothing if there is no media.
  std::optional<MediaEnd> End(store::GapReason reason);

 private:
  store::GapReason ReasonBefore(ServerTime start) const;
  void ShowMissing();

  const StreamName name_;
  const std::shared_ptr<store::Shard> shard_;
  const std::shared_ptr<UploadView> view_;

  mutable std::mutex mutex_;
  fragmenter::UploadTimeline timeline_;
  store::RunId run_ = 0;         // 0: the next fragment starts one
  std::optional<MediaEnd> end_;  // as in the recorder
  std::multiset<ProducerTime> appending_;
  std::map<uint64_t, Coming> coming_;
  uint64_t last_coming_ = 0;
  std::vector<Oneshot<Unit>> waiting_;
  std::shared_ptr<const fragmenter::UploadHeader> header_;
  Bytes track_set_meta_;  // of header_
};

}  // namespace penstock::ingest
