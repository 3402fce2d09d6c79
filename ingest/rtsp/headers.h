// The headers of RTSP that have a grammar of their own (RFC 2326, section 12).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::ingest::rtsp {

using NumberPair = std::pair<uint16_t, uint16_t>;

// One of the alternatives in a Transport header.
struct Transport {
  std::string protocol;  // "RTP/AVP", "RTP/AVP/TCP", upper case
  bool tcp = false;      // lower transport
  bool multicast = false;
  std::optional<NumberPair> interleaved;
  std::optional<NumberPair> client_port;
  std::optional<NumberPair> server_port;
  std::string source;
  std::string mode;  // lower case, unquoted: "play", "record"
  std::optional<uint32_t> ssrc;

  std::string ToString() const;
};

// The alternatives in order of preference; those that cannot be read are left out.
std::vector<Transport> ParseTransports(std::string_view value);

// "12345678;timeout=60"
struct SessionHeader {
  std::string id;
  std::chrono::seconds timeout{60};  // RFC 2326's default
};
SessionHeader ParseSession(std::string_view value);

// One entry of RTP-Info.
struct RtpInfo {
  std::string url;
  std::optional<uint16_t> sequence;
  std::optional<uint32_t> timestamp;
};
std::vector<RtpInfo> ParseRtpInfo(std::string_view value);

// The methods in Public or Allow, upper case.
std::vector<std::string> ParseMethods(std::string_view value);

}  // namespace penstock::ingest::rtsp
