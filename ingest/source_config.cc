#include <fmt/format.h>

#include "ingest/sources.h"

namespace penstock::ingest {
namespace {

constexpr std::string_view kScheme = "rtsp://";

// Where user:password ends and the host begins: after the last '@' of the authority; passwords with
// '@' or '/' occur in the wild, so a '/' only ends the authority if no '@' follows before the path
// could have begun.
size_t HostBegin(std::string_view url) {
  const size_t slash = url.find('/', kScheme.size());
  const size_t at = url.substr(0, slash).rfind('@');
  return at == std::string_view::npos ? kScheme.size() : at + 1;
}

std::string_view TransportName(RtspTransport transport) {
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

}  // namespace

Result<RtspTransport> ParseRtspTransport(std::string_view text) {
  for (const RtspTransport transport :
       {RtspTransport::kAuto, RtspTransport::kTcp, RtspTransport::kUdp}) {
    if (TransportName(transport) == text) return transport;
  }
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("'{}' is not a transport: auto, tcp or udp", text));
}

Status CheckSourceUrl(std::string_view url) {
  if (!url.starts_with(kScheme)) {
    return Error(ErrorCode::kInvalidArgument,
                 "a source's URL starts with rtsp://, as in rtsp://user:password@camera/path");
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

std::string SourceConfig::RedactedUrl() const {
  const size_t host = url.starts_with(kScheme) ? HostBegin(url) : kScheme.size();
  if (host <= kScheme.size()) return url;
  const std::string_view user_info =
      std::string_view(url).substr(kScheme.size(), host - 1 - kScheme.size());
  const size_t colon = user_info.find(':');
  if (colon == std::string_view::npos) return url;
  return fmt::format("{}{}:***@{}", kScheme, user_info.substr(0, colon),
                     std::string_view(url).substr(host));
}

Json SourceConfig::ToJson() const {
  Json json;
  json.Set("name", name.text()).Set("url", url).Set("transport", TransportName(transport));
  return json;
}

Result<SourceConfig> SourceConfig::FromJson(const Json& json) {
  PS_TRY(StreamName name, StreamName::Parse(json["name"].AsString()));
  PS_TRY(const RtspTransport transport, ParseRtspTransport(json["transport"].AsString("auto")));
  PS_TRY_VOID(CheckSourceUrl(json["url"].AsString()));
  return SourceConfig{
      .name = std::move(name), .url = std::string(json["url"].AsString()), .transport = transport};
}

}  // namespace penstock::ingest
