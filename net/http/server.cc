#include "net/http/server.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <unordered_set>

#include "base/log.h"
#include "base/metrics.h"
#include "net/http/connection.h"

namespace penstock::net {
namespace {

using StreamHolder = std::shared_ptr<std::unique_ptr<TcpStream>>;  // std::function wants to copy
using Identity = std::shared_ptr<const TlsIdentity>;               // null: a door without TLS

// h2 is not offered: libcurl would take it, and then sign other headers than it sends.
constexpr std::string_view kProtocols = "\x08http/1.1\x08http/1.0";
constexpr std::string_view kNoTls =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 55\r\n"
    "Connection: close\r\n\r\nThis port speaks HTTPS: write https:// in the address.\n";

// Connections that exist, over all loops.
class Census {
 public:
  bool Enter(size_t most) {
    const std::lock_guard lock(mutex_);
    if (count_ >= most) return false;
    ++count_;
    gauge_.Set(static_cast<int64_t>(count_));
    return true;
  }
  void Leave() {
    // Notified under the lock: the one who waits may destroy this as soon as he has it.
    const std::lock_guard lock(mutex_);
    --count_;
    gauge_.Set(static_cast<int64_t>(count_));
    if (count_ == 0) empty_.notify_all();
  }
  size_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  void WaitUntilEmpty(SteadyTime deadline) {
    std::unique_lock lock(mutex_);
    empty_.wait_until(lock, deadline, [this] { return count_ == 0; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable empty_;
  size_t count_ = 0;
  metrics::Gauge& gauge_ = metrics::GetGauge("penstock_http_connections", "Open HTTP connections");
};

// What belongs to one loop. That loop's thread only.
struct Home {
  explicit Home(EventLoop& its_loop) : loop(its_loop) {}

  EventLoop& loop;
  TaskGroup tasks;
  CancelSource handshakes;
  std::unordered_set<std::shared_ptr<Connection>> connections;
  std::vector<std::shared_ptr<TcpListener>> listeners;
  bool draining = false;
};

}  // namespace

struct HttpServer::Impl {
  Impl(EventLoops& the_loops, HttpHandler the_handler, HttpServerOptions the_options)
      : handler(std::move(the_handler)), options(the_options) {
    for (size_t i = 0; i < the_loops.size(); ++i)
      homes.push_back(std::make_unique<Home>(the_loops[i]));
  }

  Home& NextHome() { return *homes[next_home++ % homes.size()]; }
  Endpoint Serve(std::unique_ptr<TcpListener> listener, Identity identity);
  Task<void> AcceptAll(std::shared_ptr<TcpListener> listener, Identity identity);
  void Start(Home& home, std::unique_ptr<TcpStream> stream, const Identity& identity);
  Task<void> Secure(Home& home, std::unique_ptr<TcpStream> stream, Identity identity);
  void StartHttp(Home& home, std::unique_ptr<TcpStream> stream, bool over_tls);
  Task<void> Run(Home& home, std::shared_ptr<Connection> connection);
  Task<void> Refuse(StreamHolder stream);
  static Task<void> Join(Home& home) { return home.tasks.Join(); }

  const HttpHandler handler;
  const HttpServerOptions options;
  std::vector<std::unique_ptr<Home>> homes;  // the first one accepts
  size_t next_home = 0;                      // the first loop's thread only
  Census census;
  std::atomic<size_t> handshakes{0};
  bool stopped = false;
};

Endpoint HttpServer::Impl::Serve(std::unique_ptr<TcpListener> listener, Identity identity) {
  const Endpoint local = listener->local();
  const std::shared_ptr<TcpListener> shared = std::move(listener);
  Home& first = *homes.front();
  first.loop.Post([this, &first, shared, identity = std::move(identity)] {
    if (first.draining) return shared->Close();
    first.listeners.push_back(shared);
    first.tasks.Spawn(AcceptAll(shared, identity));
  });
  return local;
}

Task<void> HttpServer::Impl::AcceptAll(std::shared_ptr<TcpListener> listener, Identity identity) {
  for (;;) {
    Home& home = NextHome();
    auto accepted = co_await listener->Accept(home.loop);
    if (!accepted.ok()) {
      if (accepted.error().code() != ErrorCode::kCancelled) {
        log::Write(log::kError, "http listener failed", {{"error", accepted.error().ToString()}});
      }
      co_return;
    }
    const auto stream = std::make_shared<std::unique_ptr<TcpStream>>(std::move(*accepted));
    const bool stalled = identity != nullptr && handshakes.load() >= options.handshakes_max;
    if (stalled || !census.Enter(options.connections_max)) {
      home.loop.Post([this, &home, stream, plain = identity == nullptr] {
        if (plain) return home.tasks.Spawn(Refuse(stream));
        // Over TLS words would cost a handshake: closing is the answer.
        stream->reset();
      });
      continue;
    }
    if (identity != nullptr) ++handshakes;
    if (home.loop.IsCurrent()) {
      Start(home, std::move(*stream), identity);
    } else {
      home.loop.Post(
          [this, &home, stream, identity] { Start(home, std::move(*stream), identity); });
    }
  }
}

Task<void> HttpServer::Impl::Refuse(StreamHolder stream) {
  metrics::GetCounter("penstock_http_refused_total",
                      "HTTP requests refused before a handler saw them", "status=\"503\"")
      .Add();
  static constexpr std::string_view kFull =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: "
      "32\r\nConnection: close\r\n"
      "Retry-After: 5\r\n\r\n{\"error\":\"too many connections\"}";
  ByteChain answer(Bytes::Copy(kFull));
  // Best effort, and without waiting for the request: fits any socket's buffer.
  (void)co_await (*stream)->Write(std::move(answer));
}

void HttpServer::Impl::Start(Home& home, std::unique_ptr<TcpStream> stream,
                             const Identity& identity) {
  if (identity == nullptr) return StartHttp(home, std::move(stream), false);
  home.tasks.Spawn(Secure(home, std::move(stream), identity));
}

Task<void> HttpServer::Impl::Secure(Home& home, std::unique_ptr<TcpStream> stream,
                                    Identity identity) {
  const std::string peer = stream->peer().ToString();
  TlsDoor door;
  door.protocols = kProtocols;
  door.plain_answer = kNoTls;
  auto secured = co_await StartTlsServer(std::move(stream), identity->Get(), options.handshake,
                                         home.handshakes.token(), door);
  --handshakes;
  if (secured.ok()) co_return StartHttp(home, std::move(*secured), true);
  metrics::GetCounter("penstock_https_handshakes_failed_total",
                      "Connections to the HTTPS port that never came to a request")
      .Add();
  log::Write(log::kInfo, "https handshake failed",
             {{"peer", peer}, {"reason", secured.error().message()}});
  census.Leave();
}

void HttpServer::Impl::StartHttp(Home& home, std::unique_ptr<TcpStream> stream, bool over_tls) {
  if (home.draining) {
    stream.reset();
    return census.Leave();
  }
  auto connection = std::make_shared<Connection>(std::move(stream), over_tls, handler, options);
  home.connections.insert(connection);
  home.tasks.Spawn(Run(home, std::move(connection)));
}

Task<void> HttpServer::Impl::Run(Home& home, std::shared_ptr<Connection> connection) {
  co_await connection->Serve();
  home.connections.erase(connection);
  connection.reset();
  census.Leave();
}

HttpServer::HttpServer(EventLoops& loops, HttpHandler handler, HttpServerOptions options)
    : impl_(std::make_unique<Impl>(loops, std::move(handler), options)) {}

HttpServer::~HttpServer() { CHECK(impl_->stopped); }

Result<Endpoint> HttpServer::Listen(std::string address, uint16_t port) {
  PS_TRY(auto listener, TcpListener::Listen(impl_->homes.front()->loop, std::move(address), port));
  return impl_->Serve(std::move(listener), nullptr);
}

Result<Endpoint> HttpServer::ListenTls(std::string address, uint16_t port,
                                       std::shared_ptr<const TlsIdentity> identity) {
  CHECK(identity != nullptr);
  PS_TRY(auto listener, TcpListener::Listen(impl_->homes.front()->loop, std::move(address), port));
  return impl_->Serve(std::move(listener), std::move(identity));
}

Result<Endpoint> HttpServer::ListenUnix(std::string path) {
  PS_TRY(auto listener, TcpListener::ListenUnix(impl_->homes.front()->loop, std::move(path), 0600));
  return impl_->Serve(std::move(listener), nullptr);
}

void HttpServer::Stop(std::chrono::milliseconds grace) {
  CHECK(Executor::Current() == nullptr);
  if (std::exchange(impl_->stopped, true)) return;
  for (const auto& home : impl_->homes) {
    home->loop.Post([&home = *home] {
      home.draining = true;
      for (const auto& listener : home.listeners) listener->Close();
      home.handshakes.Cancel();
      for (const auto& connection : home.connections) connection->Drain();
    });
  }
  impl_->census.WaitUntilEmpty(std::chrono::steady_clock::now() + grace);
  for (const auto& home : impl_->homes) {
    home->loop.Post([&home = *home] {
      // A copy: ending may happen at once.
      const auto connections = home.connections;
      for (const auto& connection : connections) connection->Cut();
    });
  }
  // The accepting home first: it may still have handed connections to the others.
  for (const auto& home : impl_->homes) SyncWait(RunOn(home->loop, Impl::Join(*home)));
}

size_t HttpServer::connections() const { return impl_->census.count(); }

}  // namespace penstock::net
