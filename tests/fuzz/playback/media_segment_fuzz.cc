// A frame table as it may come from a damaged disk, over a cluster it may not fit: an error, or a
// segment whose every byte is there.
#include <cstdint>

#include "base/byte_io.h"
#include "base/check.h"
#include "fragmenter/media.h"
#include "playback/mp4/media_segment.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock;
  ByteReader in(ByteSpan(data, size));
  const uint32_t cluster_bytes = in.Be<uint16_t>();
  const Result<fragmenter::FrameTable> table = fragmenter::FrameTable::Decode(in.rest());
  if (!table.ok()) return 0;

  fragmenter::TrackSet tracks;
  tracks.tracks.resize(2);
  tracks.tracks[0].number = 1;
  tracks.tracks[1].number = 2;
  tracks.tracks[1].codec = fragmenter::Codec::kAac;
  const ByteChain cluster(Bytes::From(std::vector<uint8_t>(cluster_bytes)));
  for (const auto layout : {playback::Layout::kContiguous, playback::Layout::kVerbatim}) {
    const Result<playback::MediaSegment> segment =
        playback::MakeMediaSegment(tracks, *table, cluster_bytes, 1, layout);
    if (!segment.ok()) continue;
    const Bytes whole = playback::AssembleSegment(*segment, cluster).Flatten();
    ByteReader boxes(whole);
    const uint32_t moof_bytes = boxes.Be<uint32_t>();
    CHECK(moof_bytes >= 8);
    boxes.Skip(moof_bytes - 4);
    const size_t mdat_bytes = boxes.left();
    CHECK(boxes.Be<uint32_t>() == mdat_bytes);
  }
  return 0;
}
