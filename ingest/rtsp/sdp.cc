#include "ingest/rtsp/sdp.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "ingest/rtsp/text.h"

namespace penstock::ingest::rtsp {
namespace {

struct StaticPayload {
  uint8_t type;
  std::string_view encoding;
  uint32_t clock_rate;
  uint32_t channels;
};

// RFC 3551, section 6: those that cameras still send without an rtpmap.
constexpr StaticPayload kStaticPayloads[] = {
    {0, "PCMU", 8000, 1},  {3, "GSM", 8000, 1},    {4, "G723", 8000, 1},  {8, "PCMA", 8000, 1},
    {9, "G722", 8000, 1},  {10, "L16", 44100, 2},  {11, "L16", 44100, 1}, {14, "MPA", 90000, 0},
    {18, "G729", 8000, 1}, {26, "JPEG", 90000, 0}, {32, "MPV", 90000, 0}, {33, "MP2T", 90000, 0},
};

void ApplyStaticPayload(SdpMedia& media) {
  for (const StaticPayload& known : kStaticPayloads) {
    if (known.type != media.payload_type) continue;
    media.encoding = known.encoding;
    media.clock_rate = known.clock_rate;
    media.channels = known.channels;
  }
}

// Takes one line off the front; CR, LF and CRLF all end one.
std::string_view NextLine(std::string_view& rest) {
  const size_t end = rest.find_first_of("\r\n");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

// "video 0 RTP/AVP 96 97"
Result<SdpMedia> ParseMediaLine(std::string_view value) {
  SdpMedia media;
  auto words = Split(value, ' ');
  std::erase(words, std::string_view());
  if (words.size() < 3) {
    return Error(ErrorCode::kProtocol, fmt::format("bad SDP line 'm={}'", Printable(value)));
  }
  media.type = ToLower(words[0]);
  media.protocol = ToUpper(words[2]);
  for (size_t i = 3; i < words.size(); ++i) {
    const auto type = ParseDecimal(words[i]);
    // Formats that are no numbers belong to protocols other than RTP; the medium is then refused by
    // its name.
    if (type && *type <= 127) media.payload_type = static_cast<uint8_t>(*type);
    break;
  }
  ApplyStaticPayload(media);
  return media;
}

// Whether "<payload type> ..." is about this medium's; if so, leaves what follows.
bool IsForPayload(const SdpMedia& media, std::string_view& value) {
  const auto [type, rest] = Cut(Trim(value), ' ');
  if (ParseDecimal(type) != media.payload_type) return false;
  value = Trim(rest);
  return true;
}

// "96 H264/90000", "97 mpeg4-generic/48000/2"
void ApplyRtpMap(std::string_view value, SdpMedia& media) {
  if (!IsForPayload(media, value)) return;
  const auto parts = Split(value, '/');
  if (parts.empty()) return;
  media.encoding = ToUpper(parts[0]);
  const auto rate = parts.size() > 1 ? ParseDecimal(parts[1]) : std::nullopt;
  if (rate && *rate <= 0xffff'ffff) media.clock_rate = static_cast<uint32_t>(*rate);
  const auto channels = parts.size() > 2 ? ParseDecimal(parts[2]) : std::nullopt;
  if (channels && *channels <= 255) media.channels = static_cast<uint32_t>(*channels);
}

// "96 packetization-mode=1; sprop-parameter-sets=Z0...==,aO...=="
void ApplyFmtp(std::string_view value, SdpMedia& media) {
  if (!IsForPayload(media, value)) return;
  for (const std::string_view parameter : Split(value, ';')) {
    // Only the first '=' separates: Base64 ends with more of them.
    const auto [name, text] = Cut(parameter, '=');
    if (Trim(name).empty()) continue;
    media.fmtp.emplace_back(ToLower(Trim(name)), std::string(Trim(text)));
  }
}

void ApplyMediaAttribute(std::string_view name, std::string_view value, SdpMedia& media) {
  if (name == "rtpmap") {
    ApplyRtpMap(value, media);
  } else if (name == "fmtp") {
    ApplyFmtp(value, media);
  } else if (name == "control") {
    media.control = Trim(value);
  } else if (name == "inactive") {
    media.active = false;
  }
}

}  // namespace

std::optional<std::string_view> SdpMedia::Parameter(std::string_view name) const {
  for (const auto& [key, value] : fmtp) {
    if (key == name) return value;
  }
  return std::nullopt;
}

Result<Sdp> Sdp::Parse(std::string_view text) {
  Sdp sdp;
  bool any = false;
  while (!text.empty()) {
    const std::string_view line = Trim(NextLine(text));
    if (line.size() < 2 || line[1] != '=') continue;
    any = true;
    const char kind = line[0];
    const std::string_view value = Trim(line.substr(2));
    if (kind == 's' && sdp.media.empty()) sdp.name = value;
    if (kind == 'm') {
      if (sdp.media.size() == limits::kSdpMediaMax) {
        return Error(ErrorCode::kTooLarge,
                     fmt::format("SDP with more than {} media", limits::kSdpMediaMax));
      }
      PS_TRY(SdpMedia media, ParseMediaLine(value));
      sdp.media.push_back(std::move(media));
    }
    if (kind != 'a') continue;
    const auto [name, attribute] = Cut(value, ':');
    if (!sdp.media.empty()) {
      ApplyMediaAttribute(Trim(name), attribute, sdp.media.back());
    } else if (Trim(name) == "control") {
      sdp.control = Trim(attribute);
    }
  }
  if (!any) return Error(ErrorCode::kProtocol, "not a session description (SDP)");
  return sdp;
}

std::string MediaName(const SdpMedia& media) {
  const std::string& name = media.encoding;
  if (name == "H264") return "H.264";
  if (name == "H265") return "H.265";
  if (name == "MPEG4-GENERIC" || name == "MP4A-LATM") return "AAC";
  if (name == "PCMU") return "G.711 (PCMU)";
  if (name == "PCMA") return "G.711 (PCMA)";
  if (name == "OPUS") return "Opus";
  if (name == "JPEG") return "Motion JPEG";
  if (name == "VND.ONVIF.METADATA") return "ONVIF metadata";
  if (!name.empty()) return Printable(name, 40);
  return fmt::format("{} of payload type {}", Printable(media.type, 40), media.payload_type);
}

}  // namespace penstock::ingest::rtsp
