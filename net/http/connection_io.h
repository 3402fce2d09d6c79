// What a handler holds of its connection while its exchange lasts. Internal to net/http.
#pragma once

#include <memory>

#include "net/http/connection.h"

namespace penstock::net {

// Handlers may keep these longer than the exchange; then they only say that it is over.
class ConnectionBody final : public BodyReader {
 public:
  ConnectionBody(std::shared_ptr<Connection> connection, const BodyFraming& framing)
      : connection_(std::move(connection)), framing_(framing) {}
  Task<Result<Bytes>> Next() override;
  std::optional<uint64_t> size() const override;
  void Detach() { connection_.reset(); }

 private:
  std::shared_ptr<Connection> connection_;
  const BodyFraming framing_;
};

class ConnectionWriter final : public BodyWriter {
 public:
  // HTTP/1.0 has no chunks; there the end of the connection ends the body.
  ConnectionWriter(std::shared_ptr<Connection> connection, bool chunked)
      : connection_(std::move(connection)), chunked_(chunked) {}
  Task<Status> Write(ByteChain bytes) override;
  Task<Status> SendFile(FileSlice slice) override;
  CancelToken closed() override;
  void Detach() { connection_.reset(); }

 private:
  static Task<Status> WriteChunk(std::shared_ptr<Connection> connection, ByteChain bytes,
                                 bool chunked);
  static Task<Status> SendChunk(std::shared_ptr<Connection> connection, FileSlice slice,
                                bool chunked);

  std::shared_ptr<Connection> connection_;
  const bool chunked_;
};

}  // namespace penstock::net
