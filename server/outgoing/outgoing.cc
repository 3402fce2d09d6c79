#include "server/outgoing/outgoing.h"

#include <fmt/format.h>

#include "base/outgoing_limits.h"
#include "net/http/client.h"
#include "net/resolve.h"
#include "server/api/version.h"
#include "server/auth/hex.h"

namespace penstock::server {
namespace {

using Connected = Result<std::unique_ptr<net::TcpStream>>;

}  // namespace

Task<Result<OutgoingAnswer>> Outgoing::Send(OutgoingRequest request, CancelToken token) {
  if (auto* const here = dynamic_cast<net::EventLoop*>(Executor::Current()))
    return SendOn(*here, std::move(request), std::move(token));
  net::EventLoop& loop = loops_.Next();
  return RunOn(loop, SendOn(loop, std::move(request), CancelToken()));
}

Task<Result<OutgoingAnswer>> Outgoing::SendOn(net::EventLoop& loop, OutgoingRequest request,
                                              CancelToken token) {
  CancelSource end;
  bool late = false;
  const std::string place = request.url.Place();
  const auto outer = token.OnCancel([&end] { end.Cancel(); });
  const Executor::TimerId timer = loop.StartTimer(loop.SteadyNow() + request.time, [&end, &late] {
    late = true;
    end.Cancel();
  });
  auto answer = co_await Exchange(loop, std::move(request), end.token());
  loop.StopTimer(timer);
  if (!answer.ok() && late) co_return Error(ErrorCode::kTimeout, place + ": not done in time");
  co_return answer;
}

Task<Connected> Outgoing::Connect(net::EventLoop& loop, HttpUrl url, const AllowedHosts* allowed,
                                  CancelToken token) {
  const SteadyTime deadline = loop.SteadyNow() + limits::kOutgoingConnectTime;
  PS_CO_TRY(const std::vector<net::Endpoint> endpoints,
            co_await net::LookUpEndpoints(url.host, url.port, deadline, token));
  Error last(ErrorCode::kForbidden, url.host + ": no request may be sent there");
  for (size_t i = 0; i < endpoints.size(); ++i) {
    const net::Endpoint& endpoint = endpoints[i];
    if (allowed != nullptr && !allowed->Allows(url.host, endpoint.address)) continue;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        (deadline - loop.SteadyNow()) / static_cast<int64_t>(endpoints.size() - i));
    Connected stream =
        co_await net::TcpStream::Connect(loop, endpoint.address, endpoint.port, left, token);
    if (stream.ok()) co_return stream;
    last = std::move(stream).error();
  }
  co_return last;
}

Task<Result<OutgoingAnswer>> Outgoing::Exchange(net::EventLoop& loop, OutgoingRequest request,
                                                CancelToken token) {
  PS_CO_TRY(std::unique_ptr<net::TcpStream> stream,
            co_await Connect(loop, request.url, request.allowed, token));
  if (request.url.tls) {
    net::TlsPeer peer;
    peer.trust = trust_;
    peer.host = request.url.host;
    auto secured =
        co_await net::StartTlsClient(std::move(stream), std::move(peer), request.time, token);
    if (!secured.ok()) co_return std::move(secured).error();
    stream = std::move(*secured);
  }
  if (!request.headers.Has("Host")) request.headers.Set("Host", request.url.Authority());
  request.headers.Set("User-Agent", fmt::format("penstock/{}", Version()));
  if (!request.url.login.empty())
    request.headers.Set("Authorization", "Basic " + ToBase64(AsBytes(request.url.login)));
  auto text = std::make_shared<std::string>();
  const std::function<Status(Bytes)> keep = [text](Bytes piece) -> Status {
    const size_t room = limits::kOutgoingAnswerBytesMax - text->size();
    text->append(piece.text().substr(0, room));
    return Status();
  };
  net::FetchOptions options;
  options.timeout = request.time;
  options.token = token;
  PS_CO_TRY(net::ClientResponse response,
            co_await net::FetchOver(std::move(stream), request.method, request.url.target,
                                    request.headers, std::move(request.body), keep, options));
  OutgoingAnswer answer;
  answer.status = response.status;
  answer.text = std::move(*text);
  co_return answer;
}

}  // namespace penstock::server
