#include "net/http/connection_io.h"

#include <array>
#include <charconv>

namespace penstock::net {
namespace {

Error Over() { return Error(ErrorCode::kClosed, "the exchange is over"); }

Bytes ChunkHead(uint64_t size) {
  std::array<char, 20> text;
  char* end = std::to_chars(text.data(), text.data() + text.size() - 2, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return Bytes::Copy(std::string_view(text.data(), static_cast<size_t>(end - text.data())));
}

const Bytes& LineEnd() {
  static const Bytes bytes = Bytes::Copy("\r\n");
  return bytes;
}

}  // namespace

Task<Result<Bytes>> ConnectionBody::Next() {
  const std::shared_ptr<Connection> connection = connection_;
  if (connection == nullptr) co_return Over();
  co_return co_await connection->NextBodyPiece();
}

std::optional<uint64_t> ConnectionBody::size() const {
  if (framing_.kind == BodyFraming::Kind::kNone) return 0;
  if (framing_.kind == BodyFraming::Kind::kLength) return framing_.length;
  return std::nullopt;
}

Task<Status> ConnectionWriter::Write(ByteChain bytes) {
  return WriteChunk(connection_, std::move(bytes), chunked_);
}
Task<Status> ConnectionWriter::SendFile(FileSlice slice) {
  return SendChunk(connection_, std::move(slice), chunked_);
}

Task<Status> ConnectionWriter::WriteChunk(std::shared_ptr<Connection> connection, ByteChain bytes,
                                          bool chunked) {
  if (connection == nullptr) co_return Over();
  // A chunk of no bytes would end the body.
  if (bytes.empty()) co_return Status();
  if (!chunked) co_return co_await connection->WriteLimited(std::move(bytes), false);
  ByteChain chunk(ChunkHead(bytes.size()));
  chunk.Append(bytes);
  chunk.Append(LineEnd());
  co_return co_await connection->WriteLimited(std::move(chunk), false);
}

Task<Status> ConnectionWriter::SendChunk(std::shared_ptr<Connection> connection, FileSlice slice,
                                         bool chunked) {
  if (connection == nullptr) co_return Over();
  if (slice.size == 0) co_return Status();
  if (!chunked) co_return co_await connection->SendFileLimited(std::move(slice));
  ByteChain head(ChunkHead(slice.size));
  PS_CO_TRY_VOID(co_await connection->WriteLimited(std::move(head), true));
  PS_CO_TRY_VOID(co_await connection->SendFileLimited(std::move(slice)));
  // At once, not with the next chunk: some clients hand a chunk on only when they have seen its
  // end.
  ByteChain end(LineEnd());
  co_return co_await connection->WriteLimited(std::move(end), false);
}

CancelToken ConnectionWriter::closed() {
  if (connection_ == nullptr) {
    CancelSource over;
    over.Cancel();
    return over.token();
  }
  connection_->watch_asked_ = true;
  connection_->StartWatchingIfAsked();
  return connection_->closed_.token();
}

}  // namespace penstock::net
