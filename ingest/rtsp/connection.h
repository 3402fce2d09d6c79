// One RTSP connection: frames in, bytes out.
#pragma once

#include <memory>
#include <optional>

#include "base/task.h"
#include "ingest/rtsp/framer.h"
#include "net/tcp.h"

namespace penstock::ingest::rtsp {

// Used on the stream's loop. One coroutine reads (TryNext, and Fill when there is nothing); anyone
// on the loop may send. Finish must be awaited before destruction.
//
//   for (;;) { frame = connection.TryNext(); if (!frame) co_await connection.Fill(); ... }
class Connection {
 public:
  Connection(std::unique_ptr<net::TcpStream> stream, const Clock& clock);
  ~Connection();
  Connection(const Connection&) = delete;

  // The next frame that has arrived already.
  Result<std::optional<Frame>> TryNext() { return framer_.Next(); }
  // Waits for more bytes. After Close: the reason given there.
  Task<Status> Fill();

  // Queued and written in order. A peer that lets limits::kRtspSendQueueBytesMax pile up is cut
  // off.
  void Send(Bytes bytes);
  // The same for what may be lost: dropped if anything is waiting.
  void SendOrDrop(Bytes bytes);

  // Ends everything that waits. The first reason stays.
  void Close(Error reason);
  // Gives what is queued a moment to leave, then closes. Nothing may be sent afterwards.
  Task<void> Finish();

  net::Endpoint peer() const { return stream_->peer(); }
  net::Endpoint local() const { return stream_->local(); }
  SteadyTime last_received() const { return last_received_; }
  const std::optional<Error>& closed() const { return closed_; }

 private:
  Task<void> WriteQueued();

  const std::unique_ptr<net::TcpStream> stream_;
  const Clock& clock_;
  Framer framer_;
  SteadyTime last_received_;
  std::optional<Error> closed_;

  ByteChain queued_;
  size_t in_flight_bytes_ = 0;
  TaskGroup writer_;
  bool finished_ = false;
};

}  // namespace penstock::ingest::rtsp
