// A camera that does what a test tells it to, reached through a dialer without a network.
#pragma once

#include <deque>
#include <functional>
#include <map>

#include <fmt/format.h>

#include "ingest/rtsp/dialer.h"
#include "ingest/rtsp/framer.h"
#include "ingest/rtsp/headers.h"
#include "tests/unit/ingest/rtsp/memory_stream.h"

namespace penstock::ingest::rtsp {

// A UDP socket whose peer is the test.
class FakeUdpSocket final : public net::UdpSocket {
 public:
  struct State {
    uint16_t port = 0;
    bool closed = false;
    std::deque<std::pair<std::string, net::Endpoint>> inbox;
    std::vector<std::pair<std::string, net::Endpoint>> sent;
    std::optional<Oneshot<Unit>> waiter;

    void Deliver(ByteSpan datagram, std::string from) {
      inbox.emplace_back(AsText(datagram), net::Endpoint{std::move(from), 7000});
      Wake();
    }
    void Wake() {
      if (!waiter) return;
      const Oneshot<Unit> changed = *std::exchange(waiter, std::nullopt);
      changed.Set(Unit());
    }
  };
  explicit FakeUdpSocket(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~FakeUdpSocket() override { Close(); }

  Task<Result<Datagram>> Receive(std::span<uint8_t> out) override {
    while (!state_->closed && state_->inbox.empty()) {
      state_->waiter.emplace();
      const Oneshot<Unit> changed = *state_->waiter;
      co_await changed;
    }
    if (state_->closed) co_return Error(ErrorCode::kCancelled, "closed");
    co_return TryReceive(out);
  }
  Result<Datagram> TryReceive(std::span<uint8_t> out) override {
    if (state_->inbox.empty()) return Error(ErrorCode::kUnavailable, "nothing there");
    const auto [bytes, from] = std::move(state_->inbox.front());
    state_->inbox.pop_front();
    const size_t n = std::min(out.size(), bytes.size());
    std::memcpy(out.data(), bytes.data(), n);
    Datagram datagram;
    datagram.bytes = n;
    datagram.from = from;
    return datagram;
  }
  Status Send(ByteSpan bytes, const net::Endpoint& to) override {
    state_->sent.emplace_back(AsText(bytes), to);
    return Status();
  }
  void Close() override {
    state_->closed = true;
    state_->Wake();
  }
  net::Endpoint local() const override { return net::Endpoint{"10.0.0.1", state_->port}; }

 private:
  const std::shared_ptr<State> state_;
};

// One executor. A reply of std::nullopt means: no answer. Everything it was asked is in `requests`.
class FakeCamera final : public Dialer {
 public:
  using Answer = std::function<std::optional<Response>(const Request&)>;

  std::string sdp =
      "v=0\r\ns=cam\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:v\r\n"
      "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/48000/2\r\na=control:a\r\n";
  std::string public_methods = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER";
  std::string session = "12345678;timeout=60";
  bool refuse_connections = false;
  // Instead of the usual answer; by method.
  std::map<std::string, Answer> answers;

  std::vector<Request> requests;
  std::vector<Interleaved> received;  // packets from the client
  std::vector<std::string> dialled;   // "host:port"
  std::vector<std::shared_ptr<FakeUdpSocket::State>> sockets;
  size_t open = 0;          // connections
  std::string certificate;  // the fingerprint of the camera's, which nobody trusts

  Task<Result<std::unique_ptr<net::TcpStream>>> Connect(Target target, std::chrono::milliseconds,
                                                        CancelToken) override {
    dialled.push_back(fmt::format("{}{}:{}", target.tls ? "tls " : "", target.host, target.port));
    if (target.tls && target.tls_fingerprint != certificate) {
      co_return Error(ErrorCode::kUnauthenticated,
                      "the certificate is self-signed; its SHA-256 fingerprint is " + certificate);
    }
    if (refuse_connections) co_return Error(ErrorCode::kUnavailable, "connection refused");
    const MemoryStream::Options options;
    auto ends = MemoryStream::MakePair(options);
    camera_end_ = std::move(ends.second);
    serving_.Spawn(Serve());
    std::unique_ptr<net::TcpStream> client_end = std::move(ends.first);
    co_return std::move(client_end);
  }
  Result<std::pair<std::unique_ptr<net::UdpSocket>, std::unique_ptr<net::UdpSocket>>> BindPair(
      std::string) override {
    std::unique_ptr<net::UdpSocket> made[2];
    for (auto& socket : made) {
      sockets.push_back(std::make_shared<FakeUdpSocket::State>());
      sockets.back()->port = static_cast<uint16_t>(50000 + sockets.size() - 1);
      socket = std::make_unique<FakeUdpSocket>(sockets.back());
    }
    return std::pair(std::move(made[0]), std::move(made[1]));
  }

  void Send(Bytes bytes) {
    if (camera_end_) Detach(WriteOut(std::move(bytes)));
  }
  void SendPacket(uint8_t channel, const Bytes& packet) { Send(InterleavedFrame(channel, packet)); }
  void Hang() { camera_end_->Close(); }

  // The methods it was asked for, in order: "OPTIONS DESCRIBE SETUP".
  std::string Asked() const {
    std::string out;
    for (const Request& request : requests) out += (out.empty() ? "" : " ") + request.method;
    return out;
  }
  size_t Count(std::string_view method) const {
    size_t n = 0;
    for (const Request& request : requests) n += request.method == method ? 1 : 0;
    return n;
  }
  Task<void> Join() { return serving_.Join(); }

 private:
  Task<void> Serve() {
    ++open;
    Framer framer;
    const std::shared_ptr<MemoryStream> stream = camera_end_;
    for (;;) {
      const auto read = co_await stream->Read(framer.WritableSpan());
      if (!read.ok()) break;
      framer.Commit(*read);
      while (HandleNext(framer)) {
      }
    }
    stream->Close();
    --open;
  }
  bool HandleNext(Framer& framer) {
    auto next = framer.Next();
    CHECK(next.ok());
    if (!next->has_value()) return false;
    if (auto* packet = std::get_if<Interleaved>(&**next)) received.push_back(*packet);
    auto* request = std::get_if<Request>(&**next);
    if (request == nullptr) return true;
    requests.push_back(*request);
    const auto special = answers.find(request->method);
    std::optional<Response> response =
        special != answers.end() ? special->second(*request) : Usual(*request);
    if (!response) return true;
    response->headers.Add("CSeq", std::string(request->headers.Find("CSeq").value_or("")));
    Send(response->Serialize());
    return true;
  }

 public:
  Response Usual(const Request& request) {
    Response response;
    if (request.method == "OPTIONS") response.headers.Add("Public", public_methods);
    if (request.method == "DESCRIBE") response.body = Bytes::Copy(sdp);
    if (request.method == "SETUP") {
      Transport transport = ParseTransports(*request.headers.Find("Transport")).front();
      if (!transport.tcp) transport.server_port = NumberPair(6970, 6971);
      response.headers.Add("Transport", transport.ToString());
    }
    if (request.method == "SETUP" || request.method == "PLAY")
      response.headers.Add("Session", session);
    return response;
  }

 private:
  Task<void> WriteOut(Bytes bytes) {
    const std::shared_ptr<MemoryStream> stream = camera_end_;
    ByteChain chain(std::move(bytes));
    (void)co_await stream->Write(std::move(chain));
  }

  std::shared_ptr<MemoryStream> camera_end_;
  TaskGroup serving_;
};

}  // namespace penstock::ingest::rtsp
