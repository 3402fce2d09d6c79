// Stored fragments as one fragmented MP4 file (ISO/IEC 14496-12, 8.8): a header, then a moof and an
// mdat for each.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "fragmenter/media.h"
#include "playback/audio/g711_as_aac.h"

namespace penstock::playback {

// What the file begins with. kCorruption, as MakeInitSegment.
Result<Bytes> MakeMp4Header(const fragmenter::TrackSet& stored);

// A fragment of it; its media lies `shift_ms` later in the file than in its run. Frames are as they
// are stored, but for what MP4 does not know (MakeTracks, which has `before` from here). `sequence`
// counts from 1. Shares the cluster's memory. kCorruption: table and cluster do not fit, or the
// media would begin before the file.
Result<ByteChain> MakeMp4Fragment(const fragmenter::TrackSet& stored,
                                  const std::optional<StoredMedia>& before,
                                  const StoredMedia& fragment, int64_t shift_ms, uint64_t sequence);

}  // namespace penstock::playback
