#include "playback/mp4/init_segment.h"

#include "playback/mp4/movie_boxes.h"

namespace penstock::playback {
namespace {

using fragmenter::TrackConfig;
using fragmenter::TrackSet;
using mp4::BoxWriter;
using Box = mp4::BoxWriter::Box;

// Mandatory, and empty: the samples are in the fragments.
void WriteEmptyTables(BoxWriter& w) {
  for (const char* table : {"stts", "stsc", "stco"}) {
    const Box box(w, table, 0, 0);
    w.out().Be<uint32_t>(0);
  }
  const Box stsz(w, "stsz", 0, 0);
  w.out().Zero(8);
}

void WriteMvex(BoxWriter& w, const TrackSet& set) {
  const Box mvex(w, "mvex");
  for (const TrackConfig& track : set.tracks) {
    const Box trex(w, "trex", 0, 0);
    w.out().Be(track.number);
    w.out().Be<uint32_t>(1);  // the only sample description
    w.out().Zero(12);         // every fragment states its own defaults
  }
}

}  // namespace

Result<Bytes> MakeInitSegment(const TrackSet& tracks) {
  PS_TRY_VOID(mp4::CheckPlayable(tracks));
  uint32_t last_number = 0;
  for (const TrackConfig& track : tracks.tracks) last_number = std::max(last_number, track.number);

  BoxWriter w;
  mp4::WriteFtyp(w);
  {
    const Box moov(w, "moov");
    mp4::WriteMvhd(w, last_number + 1, 0);
    mp4::TrakParts parts;
    parts.tables = WriteEmptyTables;
    for (const TrackConfig& track : tracks.tracks) mp4::WriteTrak(w, track, parts);
    WriteMvex(w, tracks);
  }
  return w.Take();
}

}  // namespace penstock::playback
