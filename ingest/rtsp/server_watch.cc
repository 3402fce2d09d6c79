// What a server session does once a second: end what stalls, say what cannot be read, report
// reception.
#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "ingest/rtsp/server_session.h"
#include "ingest/rtsp/text.h"

namespace penstock::ingest::rtsp {
namespace {

using std::chrono::seconds;

constexpr std::string_view kCname = "penstock";
constexpr seconds kReportInterval{5};
// Longer than any sane key frame interval.
constexpr seconds kUnreadablePatience{5};

}  // namespace

// One timer per session, whatever its packet rate.
Task<void> ServerSession::Watch(CancelToken token) {
  for (;;) {
    const Status slept = co_await Sleep(seconds(1), token);
    if (!slept.ok()) co_return;
    const SteadyTime now = context_.clock.SteadyNow();
    const SteadyTime heard = last_heard();
    if (sink_ && sink_->over()) {
      connection_.Close(Error(ErrorCode::kClosed, "the stream was deleted"));
      co_return;
    }
    if (state_ == State::kRecording) {
      if (now - heard >= limits::kRtspPublisherStall) {
        const bool blocked = last_datagram_ == SteadyTime() &&
                             std::any_of(tracks_.begin(), tracks_.end(),
                                         [](const Track& track) { return track.udp != nullptr; });
        connection_.Close(Error(ErrorCode::kTimeout,
                                blocked ? "no packet came by UDP; where a firewall lets none "
                                          "through, publish over TCP"
                                        : "the publisher sends nothing"));
        co_return;
      }
      for (Track& track : tracks_) {
        if (track.udp) track.receiver->Expire(now);
      }
      CheckProgress(now);
      if (now - reported_ >= kReportInterval) SendReports(now);
    } else if (state_ == State::kPaused ? now - heard >= kSessionTimeout
                                        : now - started_ >= limits::kRtspHandshakeTime) {
      connection_.Close(Error(ErrorCode::kTimeout, "nothing is published"));
      co_return;
    }
  }
}

// Tells people about packets nobody can read; what else may be missing the registry sees by itself.
void ServerSession::CheckProgress(SteadyTime now) {
  bool any_unit = false;
  std::string reason;
  for (const Track& track : tracks_) {
    if (!track.set_up()) continue;
    const TrackProgress& progress = track.receiver->progress();
    any_unit = any_unit || progress.units > 0;
    const bool fed = progress.packets + progress.foreign_packets > 0;
    if (!fed || progress.units > 0 || now - started_ < kUnreadablePatience) continue;
    const std::string complaint = track.receiver->complaint();
    if (complaint.empty()) continue;
    reason = fmt::format("track {} ({}) cannot be read: {}", track.receiver->number(),
                         track.receiver->name(), Printable(complaint, 200));
  }
  if (!any_unit && reason.empty()) return;
  if (told_recording_ && told_reason_ == reason) return;
  told_recording_ = true;
  told_reason_ = reason;
  SourceStatus status;
  status.state = reason.empty() ? SourceState::kRecording : SourceState::kWaiting;
  status.reason = std::move(reason);
  context_.publications.Report(*stream_, std::move(status));
}

void ServerSession::SendReports(SteadyTime now) {
  reported_ = now;
  for (Track& track : tracks_) {
    if (!track.set_up()) continue;
    const auto block = track.receiver->TakeReport(now);
    if (!block) continue;
    const std::vector<rtp::ReportBlock> blocks(1, *block);
    const Bytes report = rtp::MakeReceiverReport(own_ssrc_, blocks, kCname);
    if (track.udp) {
      track.udp->SendRtcp(report);
    } else {
      connection_.SendOrDrop(
          InterleavedFrame(static_cast<uint8_t>(track.channels->second), report));
    }
  }
}

}  // namespace penstock::ingest::rtsp
