// One connection of the HTTP server, from its first byte to its end. Internal to net/http.
#pragma once

#include <memory>

#include "net/http/body_decoder.h"
#include "net/http/http.h"
#include "net/http/input_buffer.h"
#include "net/http/parser.h"
#include "net/http/server.h"
#include "net/http/watchdog.h"
#include "net/tcp.h"

namespace penstock::net {

class ConnectionBody;
class ConnectionWriter;

// Lives on its stream's loop. Requests are answered one after another, however many the client
// sends ahead. At any moment there is at most one read (the head, the body, or the watch for the
// peer's leaving) and one write.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // Handler and options outlive the connection. `over_tls` is told to the handler.
  Connection(std::unique_ptr<TcpStream> stream, bool over_tls, const HttpHandler& handler,
             const HttpServerOptions& options);

  // Until the connection is closed.
  Task<void> Serve();
  // No further request: an idle connection ends now, a busy one after the answer under way.
  void Drain();
  // Ends now; what the handler waits for on this connection fails.
  void Cut();

 private:
  friend class ConnectionBody;
  friend class ConnectionWriter;

  enum class HeadOutcome { kRequest, kRefused, kGone };

  // Reading.
  Task<HeadOutcome> ReadHead();
  Task<Status> Fill(size_t block_bytes);
  Task<Result<Bytes>> NextBodyPiece();
  Task<void> StopReading();
  void SkipBufferedBody();
  void StartWatchingIfAsked();
  Task<void> WatchPeer(std::shared_ptr<Connection> self);
  Task<void> StopWatching();
  Task<void> Linger();

  // Writing.
  Task<bool> Exchange();  // false: the connection must end
  Task<HttpResponse> CallHandler(std::shared_ptr<ConnectionBody> body);
  Task<Status> WriteWhole(HttpResponse response, bool close);
  Task<Status> WriteStreamed(HttpResponse response, bool close);
  Task<Status> WriteParts(ByteChain head, std::vector<BodyPart> parts);
  Task<Status> WriteLimited(ByteChain bytes, bool more);
  Task<Status> SendFileLimited(FileSlice slice);
  Task<Status> SendContinue();
  void BeginWrite();
  void CheckWrite();
  std::string HeadOf(const HttpResponse& response, bool chunked, bool close);

  const std::unique_ptr<TcpStream> stream_;
  const bool over_tls_;
  const HttpHandler& handler_;
  const HttpServerOptions& options_;
  const Endpoint peer_;

  InputBuffer buffer_;
  RequestHead head_;    // of the request being answered; its headers went to the handler
  Headers conditions_;  // those of its headers that the answer depends on
  Refusal refusal_;     // what to answer if the head was refused
  BodyDecoder body_{BodyFraming()};
  bool body_broken_ = false;
  bool body_stopped_ = false;  // the answer ended while it was read
  bool continue_due_ = false;  // the client waits for 100 before it sends the body

  Watchdog read_watch_;
  bool read_late_ = false;
  Watchdog write_watch_;
  bool write_late_ = false;
  uint64_t written_seen_ = 0;
  SteadyTime progress_;

  bool first_ = true;  // no request yet
  bool idle_ = false;  // nothing of the next request has arrived
  bool draining_ = false;
  bool reading_ = false;
  std::optional<Oneshot<Unit>> read_ended_;  // somebody waits for it

  CancelSource closed_;  // of the exchange under way
  bool watch_asked_ = false;
  bool watch_stopping_ = false;
  std::optional<Oneshot<Unit>> watch_;  // set when the watch has ended
};

}  // namespace penstock::net
