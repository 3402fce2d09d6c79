#include "server/operations/video/upload_exchange.h"

#include <fmt/format.h>

#include "base/metrics.h"
#include "base/upload_limits.h"
#include "server/operations/video/upload_ack.h"

namespace penstock::server::aws::video {
namespace {

using ingest::UploadAck;
using ingest::UploadEnd;

void Count(UploadAck::Kind kind) {
  metrics::GetCounter("penstock_upload_acks_total", "Acks told to producers by PutMedia",
                      fmt::format("type=\"{}\"", AckName(kind)))
      .Add();
}

UploadEnd EndAfter(const Error& error) {
  if (error.code() == ErrorCode::kTimeout) return UploadEnd::kIdle;
  return error.code() == ErrorCode::kProtocol ? UploadEnd::kBroken : UploadEnd::kCut;
}

}  // namespace

UploadExchange::UploadExchange(ingest::Uploads& uploads,
                               std::shared_ptr<ingest::Uploads::Seat> seat,
                               std::shared_ptr<net::BodyReader> body, Terms terms)
    : uploads_(uploads), body_(std::move(body)), terms_(terms), seat_(std::move(seat)) {}

void UploadExchange::Wake() {
  if (written_to_) std::exchange(written_to_, std::nullopt)->Set(Unit());
}

void UploadExchange::Queue(const UploadAck& ack) {
  if (gone_ || (!terms_.acks && ack.kind != UploadAck::Kind::kError)) return;
  Count(ack.kind);
  acks_.push_back(FormatAck(ack));
  Wake();
}

bool UploadExchange::AckIsDue() {
  executor_->StopTimer(ack_timer_);
  ack_timer_ = 0;
  if (acks_.empty() || !terms_.acks_apart) return !acks_.empty();
  const SteadyTime due = AckGoesAt(acks_.size(), ack_written_);
  if (executor_->SteadyNow() >= due) return true;
  ack_timer_ = executor_->StartTimer(due, [this] {
    ack_timer_ = 0;
    Wake();
  });
  return false;
}

// Tells thrice that nothing comes; the third time is the end.
void UploadExchange::WatchIdle(int third) {
  idle_timer_ = executor_->StartTimer(executor_->SteadyNow() + terms_.idle / 3, [this, third] {
    idle_timer_ = 0;
    Queue(UploadAck());
    if (third == 3) return End(UploadEnd::kIdle);
    WatchIdle(third + 1);
  });
}

void UploadExchange::StopTimers() {
  executor_->StopTimer(idle_timer_);
  executor_->StopTimer(late_timer_);
}

// The first reason counts. The session is told here only while nobody feeds it.
void UploadExchange::End(UploadEnd end) {
  if (!end_) end_ = end;
  Wake();
}

Task<Result<Bytes>> UploadExchange::NextPiece() {
  WatchIdle(1);
  in_next_ = true;
  auto piece = co_await body_->Next();
  in_next_ = false;
  executor_->StopTimer(idle_timer_);
  co_return piece;
}

Task<void> UploadExchange::WaitForAcksTaken() {
  while (acks_.size() > limits::kUploadAcksWaitingMax && !gone_) {
    taken_from_.emplace();
    const Oneshot<Unit> taken = *taken_from_;
    co_await taken;
  }
}

Task<void> UploadExchange::ReadBody(std::shared_ptr<UploadExchange> self) {
  while (!self->end_) {
    auto piece = co_await self->NextPiece();
    if (self->end_) break;
    if (!piece.ok()) {
      self->End(EndAfter(piece.error()));
    } else if (piece->empty()) {
      self->End(UploadEnd::kWhole);
    } else if (co_await self->session_->Feed(std::move(*piece))) {
      co_await self->WaitForAcksTaken();
    } else {
      // It knows what to say.
      self->End(UploadEnd::kWhole);
    }
  }
  self->reader_left_ = true;
  self->Wake();
}

Task<void> UploadExchange::FinishSession(std::shared_ptr<UploadExchange> self, UploadEnd end) {
  self->StopTimers();
  co_await self->session_->Finish(end);
  self->finished_ = true;
  self->Wake();
}

Task<Status> UploadExchange::Run(std::shared_ptr<UploadExchange> self,
                                 std::shared_ptr<net::BodyWriter> out) {
  self->executor_ = Executor::Current();
  ingest::UploadSession::Start start;
  start.seat = std::move(self->seat_);
  start.base_ns = self->terms_.base_ns;
  start.on_ack = [x = self.get()](const UploadAck& ack) { x->Queue(ack); };
  start.on_over = [x = self.get()] { x->End(UploadEnd::kWhole); };
  self->session_ = std::make_shared<ingest::UploadSession>(self->uploads_, std::move(start));
  self->late_timer_ = self->executor_->StartTimer(self->executor_->SteadyNow() + self->terms_.lasts,
                                                  [x = self.get()] {
                                                    x->late_timer_ = 0;
                                                    x->End(UploadEnd::kLate);
                                                  });
  const std::weak_ptr<UploadExchange> weak = self;
  const uint64_t stop = self->uploads_.OnStop([weak, executor = self->executor_] {
    executor->Post([weak] {
      if (const auto exchange = weak.lock()) exchange->End(UploadEnd::kStopped);
    });
  });
  Detach(ReadBody(self));
  Status status;
  while (!self->finished_ || (status.ok() && !self->acks_.empty())) {
    // While the reader feeds the session, that has to end first; while it only waits, it may.
    if (self->end_ && !self->finishing_ && (self->reader_left_ || self->in_next_)) {
      self->finishing_ = true;
      Detach(FinishSession(self, self->gone_ ? UploadEnd::kCut : *self->end_));
      continue;
    }
    if (!status.ok() || !self->AckIsDue()) {
      self->written_to_.emplace();
      const Oneshot<Unit> written = *self->written_to_;
      co_await written;
      continue;
    }
    ByteChain ack(Bytes::From(std::move(self->acks_.front())));
    self->acks_.pop_front();
    status = co_await out->Write(std::move(ack));
    self->ack_written_ = self->executor_->SteadyNow();
    if (!status.ok()) {
      self->gone_ = true;
      self->acks_.clear();
      self->End(UploadEnd::kCut);
    }
    if (self->taken_from_) std::exchange(self->taken_from_, std::nullopt)->Set(Unit());
  }
  self->uploads_.ForgetStop(stop);
  co_return status;
}

}  // namespace penstock::server::aws::video
