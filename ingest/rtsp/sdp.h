// Session descriptions (RFC 8866) as cameras and publishers write them: only what a receiver of RTP
// needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace penstock::ingest::rtsp {

// One "m=" section with its first payload type: the one that is sent unless something else was
// agreed on.
struct SdpMedia {
  std::string type;      // "video", "audio", "application", lower case
  std::string protocol;  // "RTP/AVP"
  uint8_t payload_type = 0;
  std::string encoding;  // upper case, "H264"; of a static payload type by its number; empty if it
                         // cannot be told
  uint32_t clock_rate = 0;
  uint32_t channels = 0;                                  // 0 if not said
  std::vector<std::pair<std::string, std::string>> fmtp;  // names in lower case, values as written
  std::string control;                                    // as written; empty if there is none
  bool active = true;  // not a=inactive. Other directions are not believed: cameras and publishers
                       // say recvonly and sendonly at will

  std::optional<std::string_view> Parameter(std::string_view name) const;
};

struct Sdp {
  std::string name;     // s=
  std::string control;  // of the session; empty if there is none
  std::vector<SdpMedia> media;

  // Reads line by line, whatever the line ends are, and steps over what it does not know. kProtocol
  // for what is no session description at all, kTooLarge for more than limits::kSdpMediaMax media.
  static Result<Sdp> Parse(std::string_view text);
};

// "H.264", "PCMU", "ONVIF metadata": what a person calls it.
std::string MediaName(const SdpMedia& media);

}  // namespace penstock::ingest::rtsp
