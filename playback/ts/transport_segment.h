// A media segment as MPEG-TS (ISO/IEC 13818-1) for players that know no fragmented MP4.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "fragmenter/media.h"
#include "playback/mp4/media_segment.h"

namespace penstock::playback {

// Whether MPEG-TS can carry these tracks, as they are served. kUnsupported, with the track and what
// it has; kCorruption: no private data that can be read.
Status CheckTransport(const fragmenter::TrackSet& tracks);

// One fragment: PAT, PMT, then its pictures and sound by their decode times. `tracks` and `made` as
// for MakeMediaSegment. The bytes depend on the arguments alone; ts/packet_writer.h says what that
// means for the continuity counters. Unlike an MP4 segment it is a copy: 184 bytes of media stand
// in each packet. It has about 3 % more bytes than the media.
//
// Times are the table's, so they go on over the fragments of a run; 90 kHz, modulo 2^33, and they
// begin at ten seconds, so that what is decoded before the first picture is shown is no wrap. The
// clock (PCR) runs with the pictures, or else the sound, and is told at least every 100 ms.
//
// kCorruption: the table and the cluster do not fit. kNotFound: there is nothing to be played in
// it. As CheckTransport.
Result<Bytes> MakeTransportSegment(const fragmenter::TrackSet& tracks,
                                   const fragmenter::FrameTable& table, const ByteChain& cluster,
                                   const std::vector<MadeTrack>& made = {});

}  // namespace penstock::playback
