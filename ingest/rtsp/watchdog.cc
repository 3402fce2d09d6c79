#include "ingest/rtsp/watchdog.h"

#include <algorithm>

#include <fmt/format.h>

#include "ingest/rtsp/text.h"

namespace penstock::ingest::rtsp {
namespace {

using std::chrono::seconds;

int64_t WholeSeconds(SteadyTime::duration d) {
  return std::chrono::duration_cast<seconds>(d).count();
}

Verdict JudgeTrack(const TrackView& track, SteadyTime since, SteadyTime now, bool needed) {
  const TrackProgress& progress = track.progress;
  const std::string label = fmt::format("track {} ({})", track.number, track.name);
  const SteadyTime heard = progress.packets > 0 ? progress.last_packet : since;
  Verdict verdict;
  if (now - heard >= kTrackSilence) {
    verdict.kind = needed ? Verdict::Kind::kDead : Verdict::Kind::kFine;
    verdict.reason = fmt::format("no data on {} for {} s", label, WholeSeconds(now - heard));
    if (progress.packets == 0 && !track.complaint.empty()) verdict.reason += ", " + track.complaint;
    return verdict;
  }
  const auto waited = now - since;
  if (!needed || waited < kUnreadableNotice || progress.packets == 0 || progress.units > 0)
    return verdict;
  verdict.kind = waited >= kUnreadablePatience ? Verdict::Kind::kDead : Verdict::Kind::kWaiting;
  if (!track.complaint.empty()) {
    verdict.reason = fmt::format("{} cannot be read: {}", label, Printable(track.complaint, 200));
  } else if (track.video) {
    verdict.reason = fmt::format("no key frame for {} s", WholeSeconds(waited));
  } else {
    verdict.reason = fmt::format("{} gives no audio for {} s", label, WholeSeconds(waited));
  }
  return verdict;
}

}  // namespace

Verdict Judge(std::span<const TrackView> tracks, SteadyTime playing_since, SteadyTime now,
              bool udp) {
  const auto heard = [](const TrackView& t) { return t.progress.packets > 0; };
  if (udp && now - playing_since >= kUdpSilence &&
      std::none_of(tracks.begin(), tracks.end(), heard)) {
    Verdict verdict;
    verdict.kind = Verdict::Kind::kUdpSilent;
    verdict.reason = fmt::format("no packet over UDP for {} s", WholeSeconds(now - playing_since));
    return verdict;
  }
  const bool any_video =
      std::any_of(tracks.begin(), tracks.end(), [](const TrackView& t) { return t.video; });
  Verdict worst;
  for (const TrackView& track : tracks) {
    Verdict verdict = JudgeTrack(track, playing_since, now, track.video || !any_video);
    const bool worse =
        verdict.kind > worst.kind || (worst.reason.empty() && verdict.kind == worst.kind);
    if (worse) worst = std::move(verdict);
  }
  return worst;
}

}  // namespace penstock::ingest::rtsp
