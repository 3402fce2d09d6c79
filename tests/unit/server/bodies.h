// Bodies of requests and answers without a socket.
#pragma once

#include <string>

#include "net/http/http.h"

namespace penstock::server {

class TextBody final : public net::BodyReader {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}
  Task<Result<Bytes>> Next() override {
    co_return Bytes::From(std::exchange(text_, std::string()));
  }

 private:
  std::string text_;
};

class CollectedBody final : public net::BodyWriter {
 public:
  Task<Status> Write(ByteChain bytes) override {
    text += bytes.Flatten().text();
    co_return Status();
  }
  Task<Status> SendFile(FileSlice) override {
    co_return Error(ErrorCode::kUnsupported, "no files here");
  }
  std::string text;
};

inline std::string BodyOf(const net::HttpResponse& response) {
  std::string out;
  for (const net::BodyPart& part : response.parts)
    out += std::get<ByteChain>(part).Flatten().text();
  return out;
}

}  // namespace penstock::server
