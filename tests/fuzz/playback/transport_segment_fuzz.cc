// Private data, a frame table and a cluster as they may come from a producer or a damaged disk: an
// error, or whole transport packets. The first bytes: the codec, and how long the former two are.
#include <cstdint>

#include "base/byte_io.h"
#include "base/check.h"
#include "fragmenter/media.h"
#include "playback/ts/transport_segment.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock;
  ByteReader in(ByteSpan(data, size));
  fragmenter::TrackSet tracks;
  tracks.tracks.resize(2);
  tracks.tracks[0].number = 1;
  tracks.tracks[0].codec =
      in.Be<uint8_t>() % 2 == 0 ? fragmenter::Codec::kH264 : fragmenter::Codec::kH265;
  tracks.tracks[0].clock_rate = 90'000;
  tracks.tracks[1].number = 2;
  tracks.tracks[1].codec = fragmenter::Codec::kAac;
  tracks.tracks[1].clock_rate = 48'000;
  const uint8_t config_bytes = in.Be<uint8_t>();
  const uint8_t table_bytes = in.Be<uint8_t>();
  tracks.tracks[0].codec_private = Bytes::Copy(in.Raw(config_bytes));
  tracks.tracks[1].codec_private = Bytes::Copy(in.Raw(2));
  const Result<fragmenter::FrameTable> table = fragmenter::FrameTable::Decode(in.Raw(table_bytes));
  if (!table.ok()) return 0;

  // In pieces, as what is still in memory is.
  ByteChain cluster;
  while (in.left() > 0) cluster.Append(Bytes::Copy(in.Raw(in.left() < 7 ? in.left() : 7)));
  const auto segment = playback::MakeTransportSegment(tracks, *table, cluster);
  if (!segment.ok()) return 0;
  CHECK(segment->size() % 188 == 0);
  for (size_t i = 0; i < segment->size(); i += 188) CHECK(segment->span()[i] == 0x47);
  return 0;
}
