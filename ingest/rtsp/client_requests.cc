// How a client session asks: requests, challenges, responses, and what a refusal means.
#include <fmt/format.h>

#include "ingest/rtsp/client_session.h"
#include "ingest/rtsp/text.h"

namespace penstock::ingest::rtsp {
namespace {

constexpr std::string_view kUserAgent = "Penstock";
constexpr int kChallengesMax = 3;

}  // namespace

Task<Result<Response>> ClientSession::Exchange(std::string method, std::string url,
                                               Headers headers) {
  for (int challenges = 0;; ++challenges) {
    if (end_) co_return Error(ErrorCode::kCancelled, end_->reason);
    const uint64_t cseq = SendRequest(method, url, headers);
    awaited_method_ = method;
    answer_due_ = environment_.clock.SteadyNow() + kAnswerTime;
    auto response = co_await AwaitResponse(cseq);
    answer_due_.reset();
    if (!response.ok()) co_return response;
    if (response->status != 401) {
      auth_.OnAccepted();
      co_return response;
    }
    PS_CO_TRY_VOID(auth_.OnChallenge(response->headers));
    if (challenges == kChallengesMax) {
      co_return Error(ErrorCode::kUnauthenticated,
                      "401: the camera asks for credentials again and again");
    }
  }
}

Task<Result<Response>> ClientSession::AwaitResponse(uint64_t cseq) {
  for (;;) {
    auto next = connection_->TryNext();
    if (!next.ok()) co_return next.error();
    if (!next->has_value()) {
      const Status filled = co_await connection_->Fill();
      if (!filled.ok()) co_return filled.error();
    } else if (const auto* packet = std::get_if<Interleaved>(&**next)) {
      OnPacket(*packet);
    } else if (auto* response = std::get_if<Response>(&**next)) {
      // Some cameras leave CSeq out; only an older one is certainly not meant.
      const auto header = response->headers.Find("CSeq");
      const auto number = header ? ParseDecimal(*header) : std::nullopt;
      if (!number || *number >= cseq) co_return std::move(*response);
    } else {
      OnServerRequest(std::get<Request>(**next));
    }
  }
}

uint64_t ClientSession::SendRequest(std::string_view method, const std::string& url,
                                    const Headers& headers) {
  Request request;
  request.method = method;
  request.url = url;
  request.headers.Add("CSeq", fmt::format("{}", ++cseq_));
  request.headers.Add("User-Agent", std::string(kUserAgent));
  if (!session_id_.empty()) request.headers.Add("Session", session_id_);
  if (auto authorization = auth_.Authorize(method, url))
    request.headers.Add("Authorization", std::move(*authorization));
  for (const auto& [name, value] : headers.fields()) request.headers.Add(name, value);
  connection_->Send(request.Serialize());
  return cseq_;
}

// What a status means, in plain words.
Error ClientSession::Explain(const Response& response, std::string_view method) {
  const int status = response.status;
  if (status == 301 || status == 302) {
    auto target = Url::Parse(response.headers.Find("Location").value_or(""));
    if (target.ok() && options_.url.tls && !target->tls) {
      return Error(ErrorCode::kUnavailable,
                   "the camera redirects to a connection without TLS, which is not followed");
    }
    if (target.ok()) {
      // Credentials belong to the host they were written for.
      if (target->host == options_.url.host && !target->has_credentials) {
        target->user = options_.url.user;
        target->password = options_.url.password;
        target->has_credentials = options_.url.has_credentials;
      }
      End(SessionEnd::Kind::kRedirected, fmt::format("redirected to {}", target->ToString()));
      end_->redirect = std::move(*target);
      return Error(ErrorCode::kCancelled, "redirected");
    }
  }
  const std::string words = Printable(
      response.reason.empty() ? StandardReason(status) : std::string_view(response.reason), 100);
  switch (status) {
    case 403:
      return Error(ErrorCode::kUnavailable,
                   fmt::format("403: the camera forbids this to user '{}'", options_.url.user));
    case 404:
    case 410:
      return Error(
          ErrorCode::kUnavailable,
          fmt::format("{}: the camera has nothing at {}", status,
                      options_.url.path.empty() ? "/" : Cut(options_.url.path, '?').first));
    case 453:
      return Error(ErrorCode::kUnavailable, "453: the camera has no bandwidth or session left");
    case 503:
      return Error(ErrorCode::kUnavailable, fmt::format("503: the camera is busy ({})", words));
    default:
      return Error(ErrorCode::kUnavailable,
                   fmt::format("{}: the camera refuses {} ({})", status, method, words));
  }
}

}  // namespace penstock::ingest::rtsp
