#include "ingest/rtsp/connection.h"

#include "base/limits.h"

namespace penstock::ingest::rtsp {
namespace {

constexpr std::chrono::seconds kLastWordsTime{2};

}  // namespace

Connection::Connection(std::unique_ptr<net::TcpStream> stream, const Clock& clock)
    : stream_(std::move(stream)), clock_(clock), last_received_(clock.SteadyNow()) {}

Connection::~Connection() { CHECK(finished_); }

Task<Status> Connection::Fill() {
  if (closed_) co_return *closed_;
  const auto read = co_await stream_->Read(framer_.WritableSpan());
  if (closed_) co_return *closed_;
  if (!read.ok()) {
    Close(read.error());
    co_return read.error();
  }
  framer_.Commit(*read);
  last_received_ = clock_.SteadyNow();
  co_return Status();
}

void Connection::Send(Bytes bytes) {
  if (closed_ || finished_) return;
  queued_.Append(std::move(bytes));
  if (queued_.size() + in_flight_bytes_ > limits::kRtspSendQueueBytesMax) {
    Close(Error(ErrorCode::kThrottled, "the peer does not read what it is sent"));
    return;
  }
  if (writer_.running() == 0) writer_.Spawn(WriteQueued());
}

void Connection::SendOrDrop(Bytes bytes) {
  if (writer_.running() == 0) Send(std::move(bytes));
}

Task<void> Connection::WriteQueued() {
  while (!queued_.empty() && !closed_) {
    ByteChain bytes = std::exchange(queued_, ByteChain());
    in_flight_bytes_ = bytes.size();
    const Status written = co_await stream_->Write(std::move(bytes));
    in_flight_bytes_ = 0;
    if (!written.ok()) Close(written.error());
  }
}

void Connection::Close(Error reason) {
  if (closed_) return;
  closed_ = std::move(reason);
  stream_->Close();
}

Task<void> Connection::Finish() {
  CHECK(!finished_);
  finished_ = true;
  if (!closed_ && writer_.running() > 0) {
    Executor* const executor = Executor::Current();
    const auto timer = executor->StartTimer(executor->SteadyNow() + kLastWordsTime, [this] {
      Close(Error(ErrorCode::kTimeout, "the peer does not read what it is sent"));
    });
    co_await writer_.Join();
    executor->StopTimer(timer);
  }
  Close(Error(ErrorCode::kClosed, "finished"));
  co_await writer_.Join();
}

}  // namespace penstock::ingest::rtsp
