// Cuts access units into RTP packets: RFC 6184 (H.264), RFC 7798 (H.265), RFC 3640 (AAC-hbr).
#pragma once

#include "base/bytes.h"
#include "bench/camsim/clip.h"

namespace camsim {

// Appends packets to a track; a frame is opened, filled and closed.
class Packetizer {
 public:
  explicit Packetizer(ClipTrack& track) : track_(track) {}

  void OpenFrame();
  // A NAL unit without start code; in fragments if it does not fit a packet.
  void AddH264Nal(penstock::ByteSpan nal);
  void AddH265Nal(penstock::ByteSpan nal);
  // A raw AAC frame: one packet. Requires that it fits.
  void AddAac(penstock::ByteSpan frame);
  // The last packet gets the marker.
  void CloseFrame();

 private:
  void AddPacket(penstock::ByteSpan head, penstock::ByteSpan payload);
  // `header` is the payload header of a fragment, `type` the NAL's type for the fragment header.
  void AddFragments(penstock::ByteSpan header, uint8_t type, penstock::ByteSpan payload);

  ClipTrack& track_;
};

}  // namespace camsim
