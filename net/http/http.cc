#include "net/http/http.h"

#include "base/json.h"

namespace penstock::net {

std::string_view HttpRequest::QueryValue(std::string_view name, std::string_view fallback) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return fallback;
}

Task<Result<std::string>> ReadAll(std::shared_ptr<BodyReader> body, size_t max_bytes) {
  const std::string too_large = "the body may have " + std::to_string(max_bytes) + " bytes";
  const std::optional<uint64_t> announced = body->size();
  if (announced.value_or(0) > max_bytes) co_return Error(ErrorCode::kTooLarge, too_large);
  std::string all;
  all.reserve(static_cast<size_t>(announced.value_or(0)));
  for (;;) {
    PS_CO_TRY(const Bytes piece, co_await body->Next());
    if (piece.empty()) co_return all;
    if (piece.size() > max_bytes - all.size()) co_return Error(ErrorCode::kTooLarge, too_large);
    all.append(piece.text());
  }
}

HttpResponse::HttpResponse(int s, std::string_view content_type, std::string body) : status(s) {
  headers.Set("Content-Type", content_type);
  parts.emplace_back(ByteChain(Bytes::From(std::move(body))));
}

uint64_t HttpResponse::body_bytes() const {
  uint64_t sum = 0;
  for (const BodyPart& part : parts) {
    const auto* slice = std::get_if<FileSlice>(&part);
    sum += slice != nullptr ? slice->size : std::get<ByteChain>(part).size();
  }
  return sum;
}

HttpResponse ErrorResponse(int status, std::string_view message) {
  Json json;
  json.Set("error", message);
  return HttpResponse(status, "application/json", json.Dump());
}

}  // namespace penstock::net
