#include "net/http/connection.h"

#include "base/log.h"
#include "base/metrics.h"
#include "net/http/conditions.h"
#include "net/http/connection_io.h"
#include "net/http/response_head.h"

namespace penstock::net {
namespace {

void Count(std::string_view name, std::string_view help, std::string_view label,
           std::string_view value) {
  metrics::GetCounter(name, help, std::string(label) + "=\"" + std::string(value) + "\"").Add();
}
// Handlers get the headers themselves.
Headers ConditionsOf(const Headers& headers) {
  Headers out;
  for (const auto& [name, value] : headers.fields()) {
    for (const char* wanted : {"Accept-Encoding", "If-None-Match", "If-Range", "Range"}) {
      if (EqualsIgnoreCase(name, wanted)) out.Add(name, value);
    }
  }
  return out;
}
void CountCut(std::string_view reason) {
  Count("penstock_http_cut_total", "HTTP connections ended by us before their time", "reason",
        reason);
}

}  // namespace

Connection::Connection(std::unique_ptr<TcpStream> stream, bool over_tls, const HttpHandler& handler,
                       const HttpServerOptions& options)
    : stream_(std::move(stream)),
      over_tls_(over_tls),
      handler_(handler),
      options_(options),
      peer_(stream_->peer()),
      read_watch_(stream_->loop(),
                  [this] {
                    read_late_ = true;
                    stream_->Interrupt();
                  }),
      write_watch_(stream_->loop(), [this] { CheckWrite(); }) {}

Task<void> Connection::Serve() {
  const std::shared_ptr<Connection> self = shared_from_this();
  bool lingers = false;
  for (bool goes_on = true; goes_on;) {
    const HeadOutcome outcome = co_await ReadHead();
    if (outcome == HeadOutcome::kGone) break;
    if (outcome == HeadOutcome::kRequest) {
      goes_on = co_await Exchange();
      lingers = !goes_on && !body_.done();
    } else {
      Count("penstock_http_refused_total", "HTTP requests refused before a handler saw them",
            "status", std::to_string(refusal_.status));
      HttpResponse answer = ErrorResponse(refusal_.status, refusal_.reason);
      (void)co_await WriteWhole(std::move(answer), true);  // the connection ends either way
      goes_on = false;
      lingers = true;
    }
    if (draining_) goes_on = false;
  }
  if (lingers) co_await Linger();
  read_watch_.Clear();
  write_watch_.Clear();
  stream_->Close();
}

void Connection::Drain() {
  draining_ = true;
  if (idle_) stream_->Interrupt();
}

void Connection::Cut() {
  draining_ = true;
  stream_->Close();
  closed_.Cancel();
}

Task<Status> Connection::Fill(size_t block_bytes) {
  reading_ = true;
  const std::span<uint8_t> space = buffer_.Space(block_bytes);
  const Result<size_t> got = co_await stream_->Read(space);
  reading_ = false;
  if (read_ended_) std::exchange(read_ended_, std::nullopt)->Set(Unit());
  if (!got.ok()) co_return got.error();
  buffer_.Commit(*got);
  co_return Status();
}

Task<Connection::HeadOutcome> Connection::ReadHead() {
  if (buffer_.empty()) buffer_.Release();
  HeadScanner scanner(limits::kHttpHeadBytesMax);
  idle_ = buffer_.empty();
  read_watch_.Set(first_ || !idle_ ? options_.head_time : options_.idle);
  for (;;) {
    const HeadScanner::State state = scanner.Scan(AsText(buffer_.unread()));
    if (state == HeadScanner::State::kComplete) break;
    if (state != HeadScanner::State::kMore) {
      head_ = RequestHead();
      refusal_ = state == HeadScanner::State::kTooLarge
                     ? Refusal{431, "the request head is too large"}
                     : Refusal{400, "the request head is malformed"};
      co_return HeadOutcome::kRefused;
    }
    if (idle_ && draining_) co_return HeadOutcome::kGone;
    const Status filled = co_await Fill(limits::kHttpHeadBlockBytes);
    if (!filled.ok()) {
      if (!read_late_ || idle_) co_return HeadOutcome::kGone;
      head_ = RequestHead();
      refusal_ = Refusal{408, "the request head did not arrive in time"};
      co_return HeadOutcome::kRefused;
    }
    if (idle_ && !first_) read_watch_.Set(options_.head_time);
    idle_ = false;
  }
  read_watch_.Clear();
  first_ = false;
  head_ = RequestHead();
  auto refusal = ParseRequestHead(scanner.head(), head_);
  buffer_.Consume(scanner.end());
  if (!refusal.has_value()) co_return HeadOutcome::kRequest;
  refusal_ = std::move(*refusal);
  head_ = RequestHead();
  co_return HeadOutcome::kRefused;
}

Task<HttpResponse> Connection::CallHandler(std::shared_ptr<ConnectionBody> body) {
  HttpRequest request;
  request.method = head_.method;
  request.target = std::move(head_.target);
  request.path = std::move(head_.path);
  request.query = std::move(head_.query);
  request.headers = std::move(head_.headers);
  request.peer = peer_;
  request.over_unix_socket = peer_.is_unix();
  request.over_tls = over_tls_;
  request.http_1_0 = head_.minor_version == 0;
  request.body = std::move(body);
  std::string what = "unknown exception";
  try {
    Task<HttpResponse> work = handler_(std::move(request));
    co_return co_await work;
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {
    // Not one of ours; the name stays unknown.
  }
  log::Write(log::kError, "http handler threw", {{"peer", peer_.ToString()}, {"error", what}});
  co_return ErrorResponse(500, "internal error");
}

Task<bool> Connection::Exchange() {
  body_ = BodyDecoder(head_.body);
  body_broken_ = false;
  body_stopped_ = false;
  continue_due_ = head_.expects_continue && !body_.done();
  closed_ = CancelSource();
  watch_asked_ = false;

  conditions_ = ConditionsOf(head_.headers);
  auto body = std::make_shared<ConnectionBody>(shared_from_this(), head_.body);
  HttpResponse response = co_await CallHandler(body);
  ApplyConditions(head_.method, conditions_, response);
  Status status;
  if (response.stream) {
    status = co_await WriteStreamed(std::move(response), !head_.keep_alive || draining_);
    co_await StopWatching();
  } else {
    if (!reading_) SkipBufferedBody();
    const bool close = !head_.keep_alive || draining_ || !body_.done();
    status = co_await WriteWhole(std::move(response), close);
  }
  body->Detach();
  // Somebody the handler left behind still reads the body.
  if (reading_) stream_->Close();
  if (!status.ok() && status.error().code() != ErrorCode::kUnavailable) {
    log::Write(log::kDebug, "http answer ended early",
               {{"peer", peer_.ToString()}, {"reason", status.error().ToString()}});
  }
  co_return status.ok() && body_.done() && head_.keep_alive && !reading_;
}

std::string Connection::HeadOf(const HttpResponse& response, bool chunked, bool close) {
  ResponseHeadOptions options;
  options.chunked = chunked;
  options.close = close;
  options.keep_alive_1_0 = head_.minor_version == 0;
  return WriteResponseHead(response, options, SystemClock().Now());
}

Task<Status> Connection::WriteWhole(HttpResponse response, bool close) {
  ByteChain head(Bytes::From(HeadOf(response, false, close)));
  if (head_.method == "HEAD") response.parts.clear();
  return WriteParts(std::move(head), std::move(response.parts));
}

Task<Status> Connection::WriteParts(ByteChain head, std::vector<BodyPart> parts) {
  // What lies in memory gathers until a file or the end, so that a small answer is one call and one
  // packet.
  ByteChain pending = std::move(head);
  for (BodyPart& part : parts) {
    if (auto* bytes = std::get_if<ByteChain>(&part)) {
      pending.Append(*bytes);
      continue;
    }
    const FileSlice slice = std::get<FileSlice>(part);
    if (slice.size == 0) continue;
    if (!pending.empty()) {
      PS_CO_TRY_VOID(co_await WriteLimited(std::move(pending), true));
      pending = ByteChain();
    }
    PS_CO_TRY_VOID(co_await SendFileLimited(slice));
  }
  if (pending.empty()) co_return Status();
  co_return co_await WriteLimited(std::move(pending), false);
}

Task<Status> Connection::WriteStreamed(HttpResponse response, bool close) {
  const bool chunked = head_.minor_version >= 1;
  if (!chunked) {
    close = true;
    head_.keep_alive = false;
  }
  // A client that waits for leave to send its body needs it now: after the final head it could not
  // be given any more.
  if (continue_due_ && response.status < 300) PS_CO_TRY_VOID(co_await SendContinue());
  continue_due_ = false;
  ByteChain head(Bytes::From(HeadOf(response, chunked, close)));
  PS_CO_TRY_VOID(co_await WriteLimited(std::move(head), false));
  if (head_.method == "HEAD") co_return Status();

  auto writer = std::make_shared<ConnectionWriter>(shared_from_this(), chunked);
  Status status;
  std::string thrown;
  try {
    Task<Status> work = response.stream(writer);
    status = co_await work;
  } catch (const std::exception& exception) {
    thrown = std::string("exception: ") + exception.what();
  } catch (...) {
    thrown = "unknown exception";
  }
  writer->Detach();
  co_await StopReading();
  if (!thrown.empty()) {
    log::Write(log::kError, "http body threw", {{"peer", peer_.ToString()}, {"error", thrown}});
    co_return Error(ErrorCode::kInternal, thrown);
  }
  if (!status.ok()) co_return status;
  if (!chunked) co_return Status();
  static const Bytes kLastChunk = Bytes::Copy("0\r\n\r\n");
  ByteChain last(kLastChunk);
  co_return co_await WriteLimited(std::move(last), false);
}

Task<Status> Connection::SendContinue() {
  continue_due_ = false;
  static const Bytes kContinue = Bytes::Copy("HTTP/1.1 100 Continue\r\n\r\n");
  ByteChain line(kContinue);
  return WriteLimited(std::move(line), false);
}

void Connection::BeginWrite() {
  written_seen_ = stream_->bytes_written();
  progress_ = stream_->loop().SteadyNow();
  write_watch_.Set(options_.stalled_write / 4);
}

// Looks four times per limit whether the peer takes anything at all.
void Connection::CheckWrite() {
  const SteadyTime now = stream_->loop().SteadyNow();
  if (stream_->bytes_written() != written_seen_) {
    written_seen_ = stream_->bytes_written();
    progress_ = now;
  } else if (now - progress_ >= options_.stalled_write) {
    write_late_ = true;
    CountCut("stalled_write");
    stream_->Close();
    closed_.Cancel();
    return;
  }
  write_watch_.Set(options_.stalled_write / 4);
}

Task<Status> Connection::WriteLimited(ByteChain bytes, bool more) {
  BeginWrite();
  Task<Status> work =
      more ? stream_->WriteMore(std::move(bytes)) : stream_->Write(std::move(bytes));
  const Status status = co_await work;
  write_watch_.Clear();
  if (write_late_) co_return Error(ErrorCode::kTimeout, "the peer took nothing for too long");
  co_return status;
}

Task<Status> Connection::SendFileLimited(FileSlice slice) {
  BeginWrite();
  const Status status = co_await stream_->SendFile(std::move(slice));
  write_watch_.Clear();
  if (write_late_) co_return Error(ErrorCode::kTimeout, "the peer took nothing for too long");
  co_return status;
}

}  // namespace penstock::net
