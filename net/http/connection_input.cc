// Connection's reading beside the head: bodies, the watch for the peer's leaving, lingering.
#include "base/metrics.h"
#include "net/http/connection.h"

namespace penstock::net {
namespace {

Error Stopped() { return Error(ErrorCode::kCancelled, "the answer has ended"); }

}  // namespace

Task<Result<Bytes>> Connection::NextBodyPiece() {
  CHECK(!reading_ || watch_.has_value());
  if (body_stopped_) co_return Stopped();
  if (body_broken_) co_return Error(ErrorCode::kClosed, "the body ended with an error");
  if (continue_due_) PS_CO_TRY_VOID(co_await SendContinue());
  while (!body_.done()) {
    if (buffer_.empty()) {
      read_watch_.Set(options_.stalled_read);
      const Status filled = co_await Fill(limits::kHttpBodyBlockBytes);
      read_watch_.Clear();
      if (!filled.ok()) {
        body_broken_ = true;
        if (body_stopped_) co_return Stopped();
        closed_.Cancel();
        if (read_late_) co_return Error(ErrorCode::kTimeout, "the body stopped arriving");
        co_return Error(filled.error()).With("the body is incomplete");
      }
    }
    auto step = body_.Next(buffer_.unread());
    if (!step.ok()) {
      body_broken_ = true;
      co_return step.error();
    }
    const Bytes piece = step->payload.empty() ? Bytes() : buffer_.Share(step->payload);
    buffer_.Consume(step->used);
    if (!piece.empty()) {
      if (body_.done()) StartWatchingIfAsked();
      co_return piece;
    }
  }
  StartWatchingIfAsked();
  co_return Bytes();
}

// An answer may end before the body that it is an answer to: who still waits for more of that is
// told.
Task<void> Connection::StopReading() {
  if (!reading_ || watch_.has_value()) co_return;
  body_stopped_ = true;
  read_ended_.emplace();
  const Oneshot<Unit> ended = *read_ended_;
  stream_->Interrupt();
  co_await ended;
}

// A body nobody wanted, but which is here already: over it the connection can go on.
void Connection::SkipBufferedBody() {
  while (!body_broken_ && !body_.done() && !buffer_.empty()) {
    auto step = body_.Next(buffer_.unread());
    if (!step.ok()) {
      body_broken_ = true;
      return;
    }
    buffer_.Consume(step->used);
  }
}

void Connection::StartWatchingIfAsked() {
  if (!watch_asked_ || watch_.has_value() || !body_.done() || reading_) return;
  watch_.emplace();
  watch_stopping_ = false;
  Detach(WatchPeer(shared_from_this()));
}

// Reads ahead, since the end of a stream shows only to those who read; what comes is the next
// request.
Task<void> Connection::WatchPeer(std::shared_ptr<Connection> self) {
  const Oneshot<Unit> ended = *self->watch_;
  Status filled;
  while (filled.ok() && !self->watch_stopping_ &&
         self->buffer_.unread().size() < limits::kHttpHeadBytesMax) {
    filled = co_await self->Fill(limits::kHttpHeadBlockBytes);
  }
  const bool interrupted = !filled.ok() && filled.error().code() == ErrorCode::kCancelled;
  if (!filled.ok() && !interrupted) self->closed_.Cancel();
  ended.Set(Unit());
}

Task<void> Connection::StopWatching() {
  if (!watch_.has_value()) co_return;
  const Oneshot<Unit> ended = *watch_;
  // Both: what it reads may be here already, its turn not yet.
  watch_stopping_ = true;
  stream_->Interrupt();
  co_await ended;
  watch_.reset();
}

// Closing with bytes unread would make the kernel send a reset, which may overtake the answer on
// its way to the client.
Task<void> Connection::Linger() {
  stream_->ShutdownWrite();
  read_watch_.Set(options_.linger);
  read_late_ = false;
  Status filled;
  for (size_t thrown_away = 0;
       filled.ok() && !read_late_ && thrown_away < limits::kHttpLingerBytesMax;) {
    buffer_.Consume(buffer_.unread().size());
    filled = co_await Fill(limits::kHttpBodyBlockBytes);
    thrown_away += buffer_.unread().size();
  }
}

}  // namespace penstock::net
