// The init segment of a track set: what a player must know before the first sample (EXT-X-MAP).
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "fragmenter/media.h"

namespace penstock::playback {

// ftyp + moov with mvex; H.264 as avc1, H.265 as hvc1, AAC as mp4a, Opus as Opus. Deterministic.
// Track ids are the track numbers, a track's timescale is its clock rate. No cmfc brand: CMAF wants
// one track a file. kCorruption for a set that no player could take: none or doubled tracks, a zero
// clock rate, no codec private data.
Result<Bytes> MakeInitSegment(const fragmenter::TrackSet& tracks);

}  // namespace penstock::playback
