#include "net/http/client.h"

#include "net/http/body_decoder.h"
#include "net/http/input_buffer.h"
#include "net/http/parser.h"
#include "net/http/watchdog.h"

namespace penstock::net {
namespace {

// One exchange; lives in the frame of Fetch.
class Exchange {
 public:
  Exchange(std::unique_ptr<TcpStream> stream, std::chrono::milliseconds timeout,
           const CancelToken& token)
      : stream_(std::move(stream)),
        timeout_(timeout),
        watchdog_(stream_->loop(), [this] { Look(); }),
        cancel_(token.OnCancel([this] { stream_->Close(); })) {}

  Task<Status> Send(std::string head, std::string body);
  // The final head; interim ones (1xx) are passed over.
  Task<Result<ResponseHead>> ReadHead();
  Task<Status> ReadBody(BodyFraming framing, std::function<Status(Bytes)> take);

 private:
  Task<Status> Fill();
  void Look();
  Status Late(Status status) const;

  const std::unique_ptr<TcpStream> stream_;
  const std::chrono::milliseconds timeout_;
  bool late_ = false;
  uint64_t written_seen_ = 0;
  Watchdog watchdog_;
  CancelToken::Registration cancel_;
  InputBuffer buffer_;
};

// A server that still takes our bytes is not silent.
void Exchange::Look() {
  if (stream_->bytes_written() != written_seen_) {
    written_seen_ = stream_->bytes_written();
    watchdog_.Set(timeout_);
    return;
  }
  late_ = true;
  stream_->Close();
}

Status Exchange::Late(Status status) const {
  if (status.ok() || !late_) return status;
  return Error(ErrorCode::kTimeout, stream_->peer().ToString() + ": no answer in time");
}

Task<Status> Exchange::Send(std::string head, std::string body) {
  ByteChain chain(Bytes::From(std::move(head)));
  chain.Append(Bytes::From(std::move(body)));
  watchdog_.Set(timeout_);
  const Status status = co_await stream_->Write(std::move(chain));
  co_return Late(status);
}

Task<Status> Exchange::Fill() {
  watchdog_.Set(timeout_);
  const std::span<uint8_t> space = buffer_.Space(limits::kHttpBodyBlockBytes);
  const Result<size_t> got = co_await stream_->Read(space);
  watchdog_.Clear();
  if (!got.ok()) co_return Late(got.error());
  buffer_.Commit(*got);
  co_return Status();
}

Task<Result<ResponseHead>> Exchange::ReadHead() {
  for (;;) {
    HeadScanner scanner(limits::kHttpHeadBytesMax);
    HeadScanner::State state = scanner.Scan(AsText(buffer_.unread()));
    while (state == HeadScanner::State::kMore) {
      PS_CO_TRY_VOID(co_await Fill());
      state = scanner.Scan(AsText(buffer_.unread()));
    }
    if (state != HeadScanner::State::kComplete)
      co_return Error(ErrorCode::kProtocol, "the answer is not HTTP");
    ResponseHead head;
    const auto refusal = ParseResponseHead(scanner.head(), head);
    if (refusal.has_value())
      co_return Error(ErrorCode::kProtocol, "the answer is malformed: " + refusal->reason);
    buffer_.Consume(scanner.end());
    if (head.status >= 200 || head.status == 101) co_return head;
  }
}

Task<Status> Exchange::ReadBody(BodyFraming framing, std::function<Status(Bytes)> take) {
  BodyDecoder body(framing);
  while (!body.done()) {
    if (buffer_.empty()) {
      const Status filled = co_await Fill();
      if (!filled.ok() && filled.error().code() == ErrorCode::kClosed && body.may_end_here())
        co_return Status();
      if (!filled.ok()) co_return Error(filled.error()).With("the answer is incomplete");
    }
    PS_CO_TRY(const BodyDecoder::Step step, body.Next(buffer_.unread()));
    Bytes piece;
    if (!step.payload.empty()) piece = buffer_.Share(step.payload);
    buffer_.Consume(step.used);
    if (!piece.empty()) PS_CO_TRY_VOID(take(std::move(piece)));
  }
  co_return Status();
}

std::string RequestHeadText(const std::string& method, const std::string& target,
                            const Headers& headers, size_t body_bytes) {
  std::string out = method + " " + target + " HTTP/1.1\r\nHost: ";
  out += headers.Get("Host");
  out += "\r\n";
  for (const auto& [name, value] : headers.fields()) {
    if (!EqualsIgnoreCase(name, "Host")) out += name + ": " + value + "\r\n";
  }
  const bool has_body = body_bytes > 0 || method == "POST" || method == "PUT" || method == "PATCH";
  if (has_body) out += "Content-Length: " + std::to_string(body_bytes) + "\r\n";
  out += "Connection: close\r\n\r\n";
  return out;
}

}  // namespace

Task<Result<ClientResponse>> Fetch(EventLoop& loop, Endpoint server, bool unix_socket,
                                   std::string method, std::string target, Headers headers,
                                   std::string body, std::function<Status(Bytes)> on_body,
                                   FetchOptions options) {
  Task<Result<std::unique_ptr<TcpStream>>> connecting =
      unix_socket
          ? TcpStream::ConnectUnix(loop, server.address)
          : TcpStream::Connect(loop, server.address, server.port, options.timeout, options.token);
  auto connected = co_await connecting;
  if (!connected.ok()) co_return std::move(connected).error();
  if (!headers.Has("Host")) headers.Add("Host", unix_socket ? "localhost" : server.ToString());
  co_return co_await FetchOver(std::move(*connected), std::move(method), std::move(target),
                               std::move(headers), std::move(body), std::move(on_body),
                               std::move(options));
}

Task<Result<ClientResponse>> FetchOver(std::unique_ptr<TcpStream> stream, std::string method,
                                       std::string target, Headers headers, std::string body,
                                       std::function<Status(Bytes)> on_body, FetchOptions options) {
  Exchange exchange(std::move(stream), options.timeout, options.token);
  std::string head = RequestHeadText(method, target, headers, body.size());
  // A server may answer before it has taken the whole body, and then stop reading: its answer
  // counts, not our failed write.
  const Status sent = co_await exchange.Send(std::move(head), std::move(body));
  if (!sent.ok() && sent.error().code() != ErrorCode::kUnavailable) co_return sent.error();
  PS_CO_TRY(ResponseHead answer, co_await exchange.ReadHead());

  ClientResponse out;
  out.status = answer.status;
  BodyFraming framing;
  const auto refusal = ResponseFraming(method, answer, framing);
  if (refusal.has_value())
    co_return Error(ErrorCode::kProtocol, "the answer is malformed: " + refusal->reason);
  out.headers = std::move(answer.headers);
  if (on_body == nullptr) {
    on_body = [&out](Bytes piece) -> Status {
      if (piece.size() > limits::kHttpFetchBytesMax - out.body.size()) {
        return Error(ErrorCode::kTooLarge, "the answer is larger than what can be collected");
      }
      out.body.append(piece.text());
      return Status();
    };
  }
  PS_CO_TRY_VOID(co_await exchange.ReadBody(framing, std::move(on_body)));
  co_return out;
}

}  // namespace penstock::net
