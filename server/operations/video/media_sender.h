// Sends fragments as documents, one at a time.
#pragma once

#include <memory>
#include <optional>

#include "base/task.h"
#include "base/time.h"
#include "net/http/http.h"
#include "store/shard.h"

namespace penstock::server::aws::video {

// One reader's sender. One coroutine uses it; it holds one fragment at most, and of a fragment in a
// sealed file nothing but its place.
class MediaSender {
 public:
  // `clock` outlives it and, if given, stamps the tail tags of GetMedia; without it there are none.
  MediaSender(std::shared_ptr<store::Shard> shard, std::shared_ptr<net::BodyWriter> out,
              const Clock* clock)
      : shard_(std::move(shard)), out_(std::move(out)), clock_(clock) {}

  // True when it was sent. False when its bytes are not there (any more) or damaged, which is
  // logged and has sent nothing: the caller decides. An error when the reader is gone.
  Task<Result<bool>> Send(store::ItemRef item);

  Task<Status> SendError(Bytes document);

 private:
  Task<Result<Bytes>> HeaderFor(store::TrackSetId id);
  Task<Result<store::ItemBytes>> Read(store::ItemRef item);

  const std::shared_ptr<store::Shard> shard_;
  const std::shared_ptr<net::BodyWriter> out_;
  const Clock* const clock_;
  store::TrackSetId header_of_ = 0;
  Bytes header_;
};

}  // namespace penstock::server::aws::video
