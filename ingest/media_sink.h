// Where a protocol session delivers what a camera sends: the rest of the way (fragmenter, store) is
// not its business.
#pragma once

#include <memory>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "base/task.h"
#include "fragmenter/media.h"

namespace penstock::ingest {

// One publication of one stream, from the first packet to the last. Used on one thread, its home
// loop. Destroying it ends the publication.
class MediaSink {
 public:
  virtual ~MediaSink() = default;
  virtual void SetTrack(fragmenter::TrackConfig config) = 0;
  virtual void SenderReport(uint32_t track, int64_t pts, ProducerTime producer,
                            ServerTime received) = 0;
  // The playing that has just begun starts at these ticks of the track: the same instant on every
  // track that this is said of. Puts them beside each other until sender reports say better.
  virtual void StartsAt(uint32_t track, int64_t pts) = 0;
  virtual void Push(fragmenter::AccessUnit unit) = 0;
  // Packets were lost on this track (counted, for status and metrics).
  virtual void PacketsLost(uint32_t track, uint64_t count) = 0;
  // The source is interrupted (reconnect, pause): the next unit starts a new run.
  virtual void Break() = 0;
  // Nothing that is pushed will be kept any more, since the stream was deleted: the session ends,
  // and whoever publishes again begins anew.
  virtual bool over() const { return false; }
};

// Says in plain words how a source is; the words are shown to people.
enum class SourceState {
  kIdle,  // nothing has published yet
  kConnecting,
  kRecording,  // access units arrive and fragments become durable
  kWaiting,    // connected, but something is missing; the reason says what
  kFailed,     // will be tried again; the reason says why and when
  kRefused,    // will not be tried again until it is changed (what cannot be a camera's URL)
};
std::string_view SourceStateName(SourceState state);  // "recording"

struct SourceStatus {
  SourceState state = SourceState::kIdle;
  std::string reason;  // "401: the camera refuses user 'admin'", "no key frame for 12 s", "no data
                       // on track 2 (AAC)", …
};

// Gives publishers a sink, behind which their stream is found, or created when the first access
// unit comes. One at a time may publish a stream.
class Publications {
 public:
  virtual ~Publications() = default;
  // kAlreadyExists: somebody else is publishing it. kFull, kFenced: there is no such stream, and
  // the store takes no new one now.
  // Completes on the current loop, where the sink is then used. `source` names the publisher for
  // people ("rtsp push from 10.0.0.7:4711").
  virtual Task<Result<std::unique_ptr<MediaSink>>> Begin(StreamName stream, std::string source) = 0;
  // Shown by status and page.
  virtual void Report(const StreamName& stream, SourceStatus status) = 0;
};

}  // namespace penstock::ingest
