// One PutMedia request and its answer, both under way at once.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "ingest/upload/upload_session.h"
#include "net/http/http.h"

namespace penstock::server::aws::video {

// The body is read by one coroutine, acks are written by another, on the connection's loop. Nothing
// is read while a producer does not take its acks, or while the session waits.
class UploadExchange {
 public:
  struct Terms {
    int64_t base_ns = 0;                 // what timecodes count from
    bool acks = true;                    // else only errors are told
    bool acks_apart = false;             // AckGoesAt; else each goes at once
    std::chrono::milliseconds idle{0};   // without a byte for so long, the request ends
    std::chrono::milliseconds lasts{0};  // the connection at most
  };
  UploadExchange(ingest::Uploads& uploads, std::shared_ptr<ingest::Uploads::Seat> seat,
                 std::shared_ptr<net::BodyReader> body, Terms terms);

  // The answer's body, until the last ack is out. When it ends, so does a read of the request's
  // that still waits.
  static Task<Status> Run(std::shared_ptr<UploadExchange> self,
                          std::shared_ptr<net::BodyWriter> out);

 private:
  static Task<void> ReadBody(std::shared_ptr<UploadExchange> self);
  static Task<void> FinishSession(std::shared_ptr<UploadExchange> self, ingest::UploadEnd end);
  Task<Result<Bytes>> NextPiece();
  Task<void> WaitForAcksTaken();
  void StopTimers();
  void WatchIdle(int third);
  void End(ingest::UploadEnd end);
  void Queue(const ingest::UploadAck& ack);
  void Wake();
  // Whether there is an ack whose time has come; else Wake is called when it has.
  bool AckIsDue();

  ingest::Uploads& uploads_;
  const std::shared_ptr<net::BodyReader> body_;
  const Terms terms_;
  std::shared_ptr<ingest::Uploads::Seat> seat_;
  std::shared_ptr<ingest::UploadSession> session_;

  std::deque<std::string> acks_;
  SteadyTime ack_written_;  // when the last one was; in the past before there is one
  std::optional<Oneshot<Unit>> written_to_;  // acks, or the end: the writer waits for it
  std::optional<Oneshot<Unit>> taken_from_;  // acks, or nobody reads them: the reader waits for it
  std::optional<ingest::UploadEnd> end_;     // what is read from here on counts for nothing
  bool in_next_ = false;                     // the reader waits for the body
  bool reader_left_ = false;
  bool finishing_ = false;
  bool finished_ = false;  // the session has said its last word
  bool gone_ = false;      // nobody takes acks
  Executor* executor_ = nullptr;
  Executor::TimerId idle_timer_ = 0;
  Executor::TimerId late_timer_ = 0;
  Executor::TimerId ack_timer_ = 0;
};

}  // namespace penstock::server::aws::video
