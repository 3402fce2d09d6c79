// The text of a media playlist (RFC 8216, EXT-X-GAP of its successor) from the index alone. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "playback/mp4/layout.h"
#include "store/item.h"

namespace penstock::playback {

// A live playlist holds the newest fragments: at least so many, and at least so long. Players begin
// three target durations (at most 30 s, since a fragment has at most 10 s) before the end; one that
// stalls for as long again still finds its place. What a list holds beyond that costs 100 bytes an
// entry and no latency.
inline constexpr size_t kLiveEntriesMin = 10;
inline constexpr std::chrono::seconds kLiveSpanMin{30};
// How far back a live playlist looks: the bound of its entries, and what its target duration is the
// maximum of. A target that came from the listed entries alone would change whenever the longest
// slides out.
inline constexpr size_t kLiveLookback = 64;

// How a list names what it lists, where that is not as file_name.h says. Immutable.
class EntryNames {
 public:
  virtual ~EntryNames() = default;
  virtual std::string Init(store::TrackSetId id) const = 0;
  virtual std::string Segment(const store::ItemHeader& item, Layout layout) const = 0;
};

struct PlaylistShape {
  enum class Kind {
    kLive,    // slides
    kRewind,  // slides, and players begin at its first entry
    kVod,     // complete
  };
  enum class Dates {
    kWhereNeeded,  // by the producer's time; again where a player that counts on would be off
    kNone,
    kServer,  // each entry's
    kProducer,
  };
  Kind kind = Kind::kLive;
  bool ended = false;                // nothing will follow, though it is not kVod
  bool all_discontinuities = false;  // before every entry, not only where a run begins
  Dates dates = Dates::kWhereNeeded;
  const EntryNames* names = nullptr;  // outlives the rendering
  std::string life;                   // see file_name.h
  LayoutPolicy layout = LayoutPolicy::kAuto;
  int64_t target_seconds = 1;
  bool transport = false;  // segments are MPEG-TS, which need no init segment
};

// A fragment that can be played; everything else keeps its place in the list as a gap.
bool IsPlayable(const store::ItemHeader& item);

// What an entry adds to the players' timeline. A dropped fragment keeps its duration when it
// becomes a gap. A hole has next to none (players then go on without a pause; PROGRAM-DATE-TIME
// tells how long it was), but not zero: players divide by it.
std::chrono::microseconds EntryDuration(const store::ItemHeader& item);

// How this fragment's segment is named in a list of this shape. Under kAuto what is live is
// contiguous: it comes from memory and is made once for many. What is stored is verbatim, one
// sendfile, unless its frames are so small that a trun for each would weigh too much.
Layout LayoutOf(const store::ItemHeader& item, const PlaylistShape& shape);

// EXT-X-TARGETDURATION for lists of these items: the longest, rounded to seconds as the RFC does,
// at least 1.
int64_t TargetSeconds(std::span<const store::ItemHeader> items);

// Index of the first item that a live playlist of these items (oldest first) lists. While items are
// appended, it never moves back: media sequence numbers only grow.
size_t LiveStart(std::span<const store::ItemHeader> items);

// Without what cannot be played at the front; VOD: neither at the end.
std::span<const store::ItemHeader> TrimGaps(std::span<const store::ItemHeader> items,
                                            PlaylistShape::Kind kind);

// Requires items, with dense ordinals; a VOD list may step over what has gone between held
// stretches, with a discontinuity. Media sequence = ordinal, discontinuity sequence = discontinuity
// ordinal: the same over reloads, restarts and retention.
std::string RenderMediaPlaylist(std::span<const store::ItemHeader> items,
                                const PlaylistShape& shape);

}  // namespace penstock::playback
