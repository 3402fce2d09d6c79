#include "ingest/rtsp/puller.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "ingest/rtsp/backoff.h"
#include "ingest/rtsp/endpoints.h"
#include "ingest/rtsp/transport_choice.h"
#include "net/tls.h"

namespace penstock::ingest::rtsp {
namespace {

using std::chrono::milliseconds;

constexpr int kRedirectsMax = 3;

class EventLoopDialer final : public Dialer {
 public:
  explicit EventLoopDialer(net::EventLoop& loop) : loop_(loop) {}
  Task<Result<std::unique_ptr<net::TcpStream>>> Connect(Target target, milliseconds timeout,
                                                        CancelToken token) override {
    auto stream = co_await net::TcpStream::Connect(loop_, target.host, target.port, timeout, token);
    if (!stream.ok() || !target.tls) co_return stream;
    net::TlsPeer peer;
    peer.trust = net::SystemTlsTrust();
    peer.host = std::move(target.host);
    peer.fingerprint = std::move(target.tls_fingerprint);
    co_return co_await net::StartTlsClient(std::move(*stream), std::move(peer),
                                           limits::kTlsHandshakeTime, std::move(token));
  }
  Result<std::pair<std::unique_ptr<net::UdpSocket>, std::unique_ptr<net::UdpSocket>>> BindPair(
      std::string address) override {
    return net::UdpSocket::BindPair(loop_, std::move(address));
  }

 private:
  net::EventLoop& loop_;
};

// What is known of one camera over all its sessions, and what to do after each of them.
class Course {
 public:
  Course(const SourceConfig& config, Url url, uint64_t seed)
      : configured_(std::move(url)),
        url_(configured_),
        // Over TLS there is TCP only: packets by UDP would not be under its protection.
        transport_(configured_.tls ? RtspTransport::kTcp : config.transport),
        backoff_(seed) {}

  void OnConnecting(SteadyTime now) { transport_.OnConnecting(now); }
  const Url& url() const { return url_; }
  bool udp() const { return transport_.udp() && !url_.tls; }

  // The pause before the next connection; 0: at once. A camera is never given up: what it cannot do
  // today it may be set to do tomorrow.
  milliseconds After(const SessionEnd& end) {
    backoff_.OnStreamed(end.streamed);
    const bool hop = end.kind == SessionEnd::Kind::kRedirected && redirects_ < kRedirectsMax;
    redirects_ = hop ? redirects_ + 1 : 0;
    // A redirect is good for one connection; the next failure starts over from what was configured.
    url_ = hop ? *end.redirect : configured_;
    if (hop) return milliseconds(0);
    switch (end.kind) {
      case SessionEnd::Kind::kUnsupported:
        return backoff_.NextAfterUnrecordable();
      case SessionEnd::Kind::kTransportRefused:
        if (transport_.OnRefused()) return milliseconds(0);
        break;
      case SessionEnd::Kind::kUdpSilent:
        if (transport_.OnUdpSilent()) return milliseconds(0);
        break;
      case SessionEnd::Kind::kLoginRefused:
        return backoff_.NextAfterRefusedLogin();
      default:
        break;
    }
    return backoff_.Next();
  }

 private:
  const Url configured_;
  Url url_;
  TransportChoice transport_;
  Backoff backoff_;
  int redirects_ = 0;
};

void Report(Publications& publications, const StreamName& stream, SourceState state,
            std::string reason) {
  SourceStatus status;
  status.state = state;
  status.reason = std::move(reason);
  publications.Report(stream, std::move(status));
}

// "12 s", "4 min"
std::string PauseWords(milliseconds pause) {
  const auto s = std::chrono::round<std::chrono::seconds>(pause).count();
  if (s >= 120) return fmt::format("{} min", (s + 30) / 60);
  return fmt::format("{} s", std::max<int64_t>(s, 1));
}

Task<void> UntilCancelled(CancelToken token) {
  while (!token.cancelled()) (void)co_await Sleep(std::chrono::hours(24), token);
}

}  // namespace

Task<void> Pull(ClientEnvironment& environment, SourceConfig config, uint64_t seed,
                CancelToken token) {
  Publications& publications = environment.publications;
  auto url = Url::Parse(config.url);
  if (!url.ok()) {
    Report(publications, config.name, SourceState::kRefused, url.error().message());
    co_await UntilCancelled(token);
    co_return;
  }
  Course course(config, std::move(*url), seed);
  std::unique_ptr<MediaSink> sink;
  std::string last_reason;
  while (!token.cancelled()) {
    Report(publications, config.name, SourceState::kConnecting, last_reason);
    course.OnConnecting(environment.clock.SteadyNow());
    ClientSession::Options options{config.name, course.url(), course.udp(), config.tls_fingerprint};
    SessionEnd end;
    {
      ClientSession session(environment, std::move(options), sink);
      end = co_await session.Run(token);
    }
    if (sink) sink->Break();
    if (token.cancelled()) co_return;
    log::Write(log::kInfo, "rtsp pull ended",
               {{"stream", config.name.text()}, {"reason", end.reason}});
    const milliseconds pause = course.After(end);
    last_reason = end.reason;
    if (pause.count() == 0) continue;
    Report(publications, config.name, SourceState::kFailed,
           fmt::format("{}; next try in {}", end.reason, PauseWords(pause)));
    (void)co_await Sleep(pause, token);
  }
}

Task<void> PullCamera(ClientContext context, SourceConfig config, CancelToken token) {
  CHECK(context.loop.IsCurrent());
  EventLoopDialer dialer(context.loop);
  ClientEnvironment environment{dialer, context.clock, context.publications, GstDepayloaders()};
  co_await Pull(environment, std::move(config), RandomU64(), std::move(token));
}

}  // namespace penstock::ingest::rtsp
