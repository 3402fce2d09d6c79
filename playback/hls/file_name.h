// The names below /hls/<stream>/, made and parsed here only.
//   index.m3u8              the media playlist
//   <life>-i<id>.mp4        init segment of a track set (id in decimal)
//   <life>-<ordinal>.m4s    media segment, samples of a track together
//   <life>-<ordinal>v.m4s   media segment, the stored cluster verbatim
//   <life>-<ordinal>.ts     media segment as MPEG-TS
// <life> is the first 16 hex digits of the shard's id: a stream that was deleted and made again
// counts its ordinals from 0 again, and a cache must not mix the two lives. The layout is in the
// name because one URL always gives the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "playback/mp4/layout.h"

namespace penstock::playback {

struct HlsFileName {
  enum class Kind { kPlaylist, kInit, kSegment, kTransportSegment };

  Kind kind = Kind::kPlaylist;
  std::string life;  // empty for the playlist
  uint64_t id = 0;   // kInit: track set id; segments: ordinal
  Layout layout = Layout::kContiguous;

  friend bool operator==(const HlsFileName&, const HlsFileName&) = default;
};

std::string LifeOf(const ShardId& shard);
std::string FormatHlsFileName(const HlsFileName& name);
// kNotFound for anything that FormatHlsFileName does not make: one resource has one name.
Result<HlsFileName> ParseHlsFileName(std::string_view text);

}  // namespace penstock::playback
