// A camera to pull from, as it is configured. Coroutine-free, so that what reads it can be fuzzed.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"

namespace penstock::ingest {

enum class RtspTransport {
  kAuto,
  kTcp,
  kUdp
};  // kAuto: TCP, and UDP if the camera refuses TCP. kUdp: UDP, and TCP for an hour if the camera
    // refuses UDP or nothing comes by it

// A camera to pull from. The stream has the source's name.
struct SourceConfig {
  StreamName name;
  std::string url;  // rtsp[s]://[user:password@]host[:port]/path
  RtspTransport transport = RtspTransport::kAuto;
  // From the configuration file: read-only for the command line and the page.
  bool declarative = false;
  // Of a certificate that is accepted whoever signed it, as net::ParseFingerprint returns it; may
  // be empty. Has a meaning for rtsps:// only.
  std::string tls_fingerprint;

  friend bool operator==(const SourceConfig&, const SourceConfig&) = default;

  // The URL with the password replaced by "***": the only form that is shown or logged.
  std::string RedactedUrl() const;
  Json ToJson() const;  // with the password; for the catalog only
  static Result<SourceConfig> FromJson(const Json& json);
};

std::string_view RtspTransportName(RtspTransport transport);  // "auto", "tcp", "udp"
Result<RtspTransport> ParseRtspTransport(std::string_view text);
// kInvalidArgument with words for people if it cannot be a camera's URL.
Status CheckSourceUrl(std::string_view url);
// The same for all of it, and for what does not go together. No message repeats a value: it may be
// a URL with a password in it.
Status CheckSource(const SourceConfig& config);

}  // namespace penstock::ingest
