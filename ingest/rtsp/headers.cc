#include "ingest/rtsp/headers.h"

#include <algorithm>

#include <fmt/format.h>

#include "ingest/rtsp/text.h"

namespace penstock::ingest::rtsp {
namespace {

constexpr uint64_t kTimeoutSecondsMax = 24 * 3600;

// "5000-5001"; a lone number stands for itself and the next.
std::optional<NumberPair> ParsePair(std::string_view text) {
  const auto [first_text, second_text] = Cut(text, '-');
  const auto first = ParseDecimal(Trim(first_text));
  if (!first || *first > 65535) return std::nullopt;
  const auto second = ParseDecimal(Trim(second_text));
  const uint64_t end = second.value_or(*first + 1);
  if (end > 65535) return std::nullopt;
  return NumberPair(static_cast<uint16_t>(*first), static_cast<uint16_t>(end));
}

std::optional<Transport> ParseTransport(std::string_view text) {
  const auto parts = Split(text, ';');
  if (parts.empty() || !StartsWithIgnoreCase(parts[0], "RTP/")) return std::nullopt;
  Transport transport;
  transport.protocol = ToUpper(parts[0]);
  transport.tcp = transport.protocol.ends_with("/TCP");
  for (size_t i = 1; i < parts.size(); ++i) {
    const auto [raw_name, raw_value] = Cut(parts[i], '=');
    const std::string name = ToLower(Trim(raw_name));
    const std::string_view value = Unquote(Trim(raw_value));
    if (name == "multicast") transport.multicast = true;
    if (name == "interleaved") transport.interleaved = ParsePair(value);
    if (name == "client_port") transport.client_port = ParsePair(value);
    if (name == "server_port") transport.server_port = ParsePair(value);
    if (name == "source") transport.source = value;
    if (name == "mode") transport.mode = ToLower(value);
    if (name == "ssrc") {
      const auto ssrc = ParseHex(value);
      if (ssrc && *ssrc <= 0xffff'ffff) transport.ssrc = static_cast<uint32_t>(*ssrc);
    }
  }
  return transport;
}

void AppendPair(std::string& out, std::string_view name, const std::optional<NumberPair>& pair) {
  if (pair) out += fmt::format(";{}={}-{}", name, pair->first, pair->second);
}

// One entry: "url=rtsp://h/a;seq=1;rtptime=2"
RtpInfo ParseRtpInfoEntry(std::string_view text) {
  RtpInfo info;
  for (const std::string_view part : Split(text, ';')) {
    const auto [raw_name, value] = Cut(part, '=');
    const std::string name = ToLower(Trim(raw_name));
    if (name == "url") info.url = Unquote(Trim(value));
    if (name == "seq") {
      const auto sequence = ParseDecimal(Trim(value));
      if (sequence && *sequence <= 0xffff) info.sequence = static_cast<uint16_t>(*sequence);
    }
    if (name == "rtptime") {
      const auto timestamp = ParseDecimal(Trim(value));
      if (timestamp && *timestamp <= 0xffff'ffff)
        info.timestamp = static_cast<uint32_t>(*timestamp);
    }
  }
  return info;
}

}  // namespace

std::string Transport::ToString() const {
  std::string out = protocol;
  out += multicast ? ";multicast" : ";unicast";
  AppendPair(out, "interleaved", interleaved);
  AppendPair(out, "client_port", client_port);
  AppendPair(out, "server_port", server_port);
  if (!source.empty()) out += fmt::format(";source={}", source);
  if (ssrc) out += fmt::format(";ssrc={:08X}", *ssrc);
  if (!mode.empty()) out += fmt::format(";mode={}", mode);
  return out;
}

std::vector<Transport> ParseTransports(std::string_view value) {
  std::vector<Transport> out;
  for (const std::string_view text : Split(value, ',')) {
    if (auto transport = ParseTransport(text)) out.push_back(std::move(*transport));
  }
  return out;
}

SessionHeader ParseSession(std::string_view value) {
  SessionHeader session;
  const auto parts = Split(value, ';');
  if (!parts.empty()) session.id = parts[0];
  for (size_t i = 1; i < parts.size(); ++i) {
    const auto [name, text] = Cut(parts[i], '=');
    if (!EqualsIgnoreCase(Trim(name), "timeout")) continue;
    const auto seconds = ParseDecimal(Trim(text));
    // 0 is sent by cameras that mean "unknown".
    if (seconds && *seconds > 0) {
      session.timeout = std::chrono::seconds(std::min(*seconds, kTimeoutSecondsMax));
    }
  }
  return session;
}

std::vector<RtpInfo> ParseRtpInfo(std::string_view value) {
  std::vector<RtpInfo> out;
  for (const std::string_view text : Split(value, ',')) {
    RtpInfo info = ParseRtpInfoEntry(text);
    if (!info.url.empty()) out.push_back(std::move(info));
  }
  return out;
}

std::vector<std::string> ParseMethods(std::string_view value) {
  std::vector<std::string> out;
  for (const std::string_view method : Split(value, ',')) {
    if (!method.empty()) out.push_back(ToUpper(method));
  }
  return out;
}

}  // namespace penstock::ingest::rtsp
