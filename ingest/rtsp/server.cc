#include <future>

#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ingest/rtsp/endpoints.h"
#include "ingest/rtsp/server_session.h"
#include "net/udp.h"

namespace penstock::ingest::rtsp {
namespace {

metrics::Gauge& SessionGauge() {
  return metrics::GetGauge("penstock_rtsp_sessions", "Connections to the RTSP port");
}

metrics::Counter& RefusedCounter() {
  return metrics::GetCounter("penstock_rtsp_refused_total",
                             "RTSP connections refused because there are too many");
}

}  // namespace

// Sessions are spread over the loops; each loop's are owned by a group that lives on that loop.
struct Server::Impl {
  Impl(net::EventLoops& l, const Authorizer& authorizer, Publications& publications, Clock& clock,
       DepayloaderFactory factory)
      : loops(l), context{authorizer, publications, clock, std::move(factory)} {
    for (size_t i = 0; i < loops.size(); ++i) groups.push_back(std::make_unique<TaskGroup>());
  }

  struct Door {
    std::unique_ptr<net::TcpListener> listener;             // home: loop 0
    std::shared_ptr<const net::TlsIdentity> identity = {};  // set: over TLS
  };

  Result<net::Endpoint> Open(std::unique_ptr<Door>& door, std::string address, uint16_t port,
                             std::shared_ptr<const net::TlsIdentity> identity);
  Task<void> AcceptLoop(Door& door, CancelToken token);
  static Task<void> RunSession(Impl& impl, const Door& door, std::unique_ptr<net::TcpStream> stream,
                               CancelToken token);
  static Task<void> Converse(Impl& impl, const Door& door, std::unique_ptr<net::TcpStream> stream,
                             CancelToken token);
  // Cancels the loop's tasks and waits for them.
  static Task<void> Drain(TaskGroup& group, std::promise<void>& done);
  void StopLoop(size_t i);

  net::EventLoops& loops;
  ServerContext context;
  std::vector<std::unique_ptr<TaskGroup>> groups;  // one per loop, home there
  std::unique_ptr<Door> plain;
  std::unique_ptr<Door> tls;
  size_t next_loop = 0;  // accept loops only
  std::atomic<size_t> sessions{0};
  bool stopped = false;
};

Task<void> Server::Impl::AcceptLoop(Door& door, CancelToken token) {
  const auto registration = token.OnCancel([&door] { door.listener->Close(); });
  while (!token.cancelled()) {
    const size_t i = next_loop++ % loops.size();
    auto accepted = co_await door.listener->Accept(loops[i]);
    if (!accepted.ok()) {
      if (token.cancelled()) co_return;
      log::Write(log::kWarning, "rtsp accept failed", {{"error", accepted.error().ToString()}});
      // Out of descriptors, most likely: trying again at once would only burn the processor.
      (void)co_await Sleep(std::chrono::milliseconds(100), token);
      continue;
    }
    // The stream is at home on the other loop and must also end there.
    const auto stream = std::make_shared<std::unique_ptr<net::TcpStream>>(std::move(*accepted));
    const bool full = sessions.load() >= limits::kRtspConnectionsMax;
    if (full) RefusedCounter().Add();
    if (full || token.cancelled()) {
      // Closing is the answer: a place in memory is what there is none of.
      loops[i].Post([stream] { stream->reset(); });
      continue;
    }
    SessionGauge().Set(static_cast<int64_t>(++sessions));
    loops[i].Post([this, &door, group = groups[i].get(), stream] {
      group->Spawn(RunSession(*this, door, std::move(*stream), group->token()));
    });
  }
}

Task<void> Server::Impl::RunSession(Impl& impl, const Door& door,
                                    std::unique_ptr<net::TcpStream> stream, CancelToken token) {
  co_await Converse(impl, door, std::move(stream), token);
  SessionGauge().Set(static_cast<int64_t>(--impl.sessions));
}

Task<void> Server::Impl::Converse(Impl& impl, const Door& door,
                                  std::unique_ptr<net::TcpStream> stream, CancelToken token) {
  if (door.identity) {
    const std::string peer = stream->peer().ToString();
    auto secured = co_await net::StartTlsServer(std::move(stream), door.identity->Get(),
                                                limits::kTlsHandshakeTime, token);
    if (!secured.ok()) {
      log::Write(log::kInfo, "rtsps handshake failed",
                 {{"peer", peer}, {"reason", secured.error().message()}});
      co_return;
    }
    stream = std::move(*secured);
  }
  // Over TLS there is TCP only: packets by UDP would not be under its protection.
  BindUdp bind_udp;
  if (!door.identity) {
    bind_udp = [&loop = stream->loop()](std::string address) {
      return net::UdpSocket::BindPair(loop, std::move(address));
    };
  }
  ServerSession session(impl.context, std::move(stream), std::move(bind_udp));
  co_await session.Run(token);
}

Result<net::Endpoint> Server::Impl::Open(std::unique_ptr<Door>& door, std::string address,
                                         uint16_t port,
                                         std::shared_ptr<const net::TlsIdentity> identity) {
  CHECK(!door);
  PS_TRY(auto listener, net::TcpListener::Listen(loops[0], std::move(address), port));
  const net::Endpoint local = listener->local();
  door = std::make_unique<Door>(Door{std::move(listener), std::move(identity)});
  loops[0].Post([this, at = door.get()] { groups[0]->Spawn(AcceptLoop(*at, groups[0]->token())); });
  return local;
}

Task<void> Server::Impl::Drain(TaskGroup& group, std::promise<void>& done) {
  group.Cancel();
  co_await group.Join();
  done.set_value();
}

void Server::Impl::StopLoop(size_t i) {
  std::promise<void> done;
  loops[i].Post([this, i, &done] { Detach(Drain(*groups[i], done)); });
  done.get_future().wait();
}

Server::Server(net::EventLoops& loops, const Authorizer& authorizer, Publications& publications,
               Clock& clock)
    : Server(loops, authorizer, publications, clock, GstDepayloaders()) {}

Server::Server(net::EventLoops& loops, const Authorizer& authorizer, Publications& publications,
               Clock& clock, DepayloaderFactory make_depayloader)
    : impl_(std::make_unique<Impl>(loops, authorizer, publications, clock,
                                   std::move(make_depayloader))) {}

Server::~Server() { CHECK((!impl_->plain && !impl_->tls) || impl_->stopped); }

Result<net::Endpoint> Server::Listen(std::string address, uint16_t port) {
  return impl_->Open(impl_->plain, std::move(address), port, nullptr);
}

Result<net::Endpoint> Server::ListenTls(std::string address, uint16_t port,
                                        std::shared_ptr<const net::TlsIdentity> identity) {
  CHECK(identity != nullptr);
  return impl_->Open(impl_->tls, std::move(address), port, std::move(identity));
}

void Server::Stop() {
  if (impl_->stopped || (!impl_->plain && !impl_->tls)) return;
  // Loop 0 first: once its accept loops have ended, no other loop gets new sessions.
  for (size_t i = 0; i < impl_->loops.size(); ++i) impl_->StopLoop(i);
  impl_->stopped = true;
}

size_t Server::sessions() const { return impl_->sessions.load(); }

}  // namespace penstock::ingest::rtsp
