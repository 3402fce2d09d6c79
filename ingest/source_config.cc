#include "ingest/source_config.h"

#include <fmt/format.h>

#include "net/tls.h"

namespace penstock::ingest {
namespace {

constexpr std::string_view kScheme = "rtsp://";
constexpr std::string_view kTlsScheme = "rtsps://";

bool IsTls(std::string_view url) { return url.starts_with(kTlsScheme); }
// Where the user or the host begins; 0 if it is no such URL.
size_t SchemeEnd(std::string_view url) {
  if (IsTls(url)) return kTlsScheme.size();
  return url.starts_with(kScheme) ? kScheme.size() : 0;
}

// Where user:password ends and the host begins: after the last '@' of the authority; passwords with
// '@' or '/' occur in the wild, so a '/' only ends the authority if no '@' follows before the path
// could have begun.
size_t HostBegin(std::string_view url) {
  const size_t begin = SchemeEnd(url);
  const size_t slash = url.find('/', begin);
  const size_t at = url.substr(0, slash).rfind('@');
  return at == std::string_view::npos ? begin : at + 1;
}

}  // namespace

std::string_view RtspTransportName(RtspTransport transport) {
  switch (transport) {
    case RtspTransport::kAuto:
      return "auto";
    case RtspTransport::kTcp:
      return "tcp";
    case RtspTransport::kUdp:
      return "udp";
  }
  return "auto";
}

Result<RtspTransport> ParseRtspTransport(std::string_view text) {
  for (const RtspTransport transport :
       {RtspTransport::kAuto, RtspTransport::kTcp, RtspTransport::kUdp}) {
    if (RtspTransportName(transport) == text) return transport;
  }
  return Error(ErrorCode::kInvalidArgument, "a transport is auto, tcp or udp");
}

Status CheckSourceUrl(std::string_view url) {
  if (SchemeEnd(url) == 0) {
    return Error(
        ErrorCode::kInvalidArgument,
        "a source's URL starts with rtsp:// or rtsps://, as in rtsp://user:password@camera/path");
  }
  const std::string_view rest = url.substr(HostBegin(url));
  const std::string_view host = rest.substr(0, rest.find_first_of("/:?"));
  if (host.empty()) return Error(ErrorCode::kInvalidArgument, "the source's URL names no host");
  for (const char c : url) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) {
      return Error(ErrorCode::kInvalidArgument,
                   "the source's URL contains a space or control character; write it as %20");
    }
  }
  return {};
}

Status CheckSource(const SourceConfig& config) {
  PS_TRY_VOID(CheckSourceUrl(config.url));
  if (IsTls(config.url) && config.transport == RtspTransport::kUdp) {
    return Error(ErrorCode::kInvalidArgument,
                 "rtsps:// is TCP only: leave the transport out, or make it auto or tcp");
  }
  if (config.tls_fingerprint.empty()) return Status();
  if (!IsTls(config.url)) {
    return Error(ErrorCode::kInvalidArgument,
                 "a certificate's fingerprint needs a URL that starts with rtsps://");
  }
  const auto fingerprint = net::ParseFingerprint(config.tls_fingerprint);
  return fingerprint.ok() ? Status() : Status(fingerprint.error());
}

std::string SourceConfig::RedactedUrl() const {
  const size_t begin = SchemeEnd(url);
  const size_t host = begin == 0 ? 0 : HostBegin(url);
  if (host <= begin) return url;
  const std::string_view user_info = std::string_view(url).substr(begin, host - 1 - begin);
  const size_t colon = user_info.find(':');
  if (colon == std::string_view::npos) return url;
  return fmt::format("{}{}:***@{}", url.substr(0, begin), user_info.substr(0, colon),
                     std::string_view(url).substr(host));
}

Json SourceConfig::ToJson() const {
  Json json;
  json.Set("name", name.text()).Set("url", url).Set("transport", RtspTransportName(transport));
  if (!tls_fingerprint.empty()) json.Set("tls_fingerprint", tls_fingerprint);
  return json;
}

Result<SourceConfig> SourceConfig::FromJson(const Json& json) {
  PS_TRY(StreamName name, StreamName::Parse(json["name"].AsString()));
  PS_TRY(const RtspTransport transport, ParseRtspTransport(json["transport"].AsString("auto")));
  SourceConfig config{
      .name = std::move(name), .url = std::string(json["url"].AsString()), .transport = transport};
  config.tls_fingerprint = std::string(json["tls_fingerprint"].AsString());
  PS_TRY_VOID(CheckSource(config));
  return config;
}

}  // namespace penstock::ingest
