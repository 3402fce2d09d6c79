#include "server/outgoing/bucket.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/outgoing_limits.h"
#include "server/auth/hex.h"
#include "server/auth/sigv4/query.h"
#include "server/auth/sigv4/signature.h"

namespace penstock::server {
namespace {

// A key's slashes are part of the path; what else could end it, or mean something there, is not.
std::string PathTo(std::string_view bucket, std::string_view key) {
  std::string out = "/" + sigv4::UriEncode(bucket);
  for (;;) {
    const size_t slash = key.find('/');
    out += "/" + sigv4::UriEncode(key.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    key.remove_prefix(slash + 1);
  }
}

std::string FieldName(std::string_view name) {
  std::string out = "x-amz-meta-";
  for (const char c : name) {
    const bool letter = c >= 'A' && c <= 'Z';
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    out += letter ? static_cast<char>(c - 'A' + 'a') : fits ? c : '_';
  }
  return out;
}

std::string FieldValue(std::string_view value) {
  const bool plain =
      std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
  if (plain) return std::string(value);
  return fmt::format("=?UTF-8?B?{}?=", ToBase64(AsBytes(value)));
}

ErrorCode CodeOf(int status) {
  if (status >= 500 || status == 429 || status == 408) return ErrorCode::kUnavailable;
  if (status == 401 || status == 403) return ErrorCode::kForbidden;
  if (status == 404) return ErrorCode::kNotFound;
  return ErrorCode::kInvalidArgument;
}

// "<Code>NoSuchBucket</Code>" of an error document.
std::string_view CodeIn(std::string_view document) {
  const size_t begin = document.find("<Code>");
  const size_t end = document.find("</Code>");
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return "";
  return document.substr(begin + 6, end - begin - 6);
}

}  // namespace

OutgoingRequest SignedPut(const BucketAccess& access, const NewObject& object, ServerTime now) {
  OutgoingRequest request;
  request.method = "PUT";
  request.time = limits::kPutObjectTime;
  request.url = access.endpoint;
  request.url.target = PathTo(object.bucket, object.key);
  request.body = std::string(object.content.text());

  sigv4::Claim claim;
  claim.timestamp = sigv4::FormatBasicTime(now);
  claim.date = claim.timestamp.substr(0, 8);
  claim.region = access.region;
  claim.service = "s3";
  const std::string hash = sigv4::Sha256Hex(request.body);
  net::Headers& headers = request.headers;
  headers.Set("Host", access.endpoint.Authority());
  headers.Set("Content-Type", object.content_type);
  headers.Set("x-amz-content-sha256", hash);
  headers.Set("x-amz-date", claim.timestamp);
  for (const auto& [name, value] : object.metadata) headers.Set(FieldName(name), FieldValue(value));

  for (const auto& [name, value] : headers.fields()) {
    std::string& lower = claim.signed_headers.emplace_back(name);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  }
  std::sort(claim.signed_headers.begin(), claim.signed_headers.end());
  const sigv4::SignedRequest described{request.method, request.url.target, headers};
  const std::string signature = sigv4::Sign(described, claim, hash, access.secret);
  const std::string authorization = fmt::format(
      "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}", access.access_key,
      claim.Scope(), fmt::join(claim.signed_headers, ";"), signature);
  headers.Set("Authorization", authorization);
  return request;
}

Task<Status> Buckets::PutObject(NewObject object, CancelToken token) {
  OutgoingRequest request = SignedPut(access_, object, clock_.Now());
  // The request has it now.
  object.content = Bytes();
  auto answer = co_await outgoing_.Send(std::move(request), std::move(token));
  // A name that is not known now.
  if (!answer.ok() && answer.error().code() == ErrorCode::kNotFound)
    co_return Error(ErrorCode::kUnavailable, answer.error().message());
  if (!answer.ok()) co_return std::move(answer).error();
  if (answer->status >= 200 && answer->status < 300) co_return Status();
  co_return Error(CodeOf(answer->status), fmt::format("{}: HTTP {} {}", access_.endpoint.Place(),
                                                      answer->status, CodeIn(answer->text)));
}

}  // namespace penstock::server
