// What a client session does once a second: look at the tracks, keep the session alive, report.
#include <fmt/format.h>

#include "ingest/rtsp/client_session.h"
#include "ingest/rtsp/watchdog.h"

namespace penstock::ingest::rtsp {
namespace {

using std::chrono::seconds;

constexpr std::string_view kCname = "penstock";

}  // namespace

// One timer per camera, whatever its packet rate.
Task<void> ClientSession::Watch(CancelToken token) {
  for (;;) {
    const Status slept = co_await Sleep(seconds(1), token);
    if (!slept.ok() || end_) co_return;
    const SteadyTime now = environment_.clock.SteadyNow();
    if (answer_due_ && now >= *answer_due_) {
      End(SessionEnd::Kind::kFailed,
          fmt::format("no answer to {} for {} s", awaited_method_, kAnswerTime.count()));
      connection_->Close(Error(ErrorCode::kTimeout, end_->reason));
      co_return;
    }
    if (!playing_) continue;
    if (sink_->over()) co_return End(SessionEnd::Kind::kFailed, "the stream was deleted");
    for (Track& track : tracks_) track.receiver->Expire(now);
    CheckTracks(now);
    if (end_) co_return;
    KeepAliveIfDue(now);
    if (now - reported_ >= kReportInterval) ReportReception(now);
  }
}

void ClientSession::CheckTracks(SteadyTime now) {
  std::vector<TrackView> views;
  bool any_unit = false;
  for (const Track& track : tracks_) {
    TrackView view;
    view.number = track.receiver->number();
    view.name = track.receiver->name();
    view.video = track.receiver->video();
    view.progress = track.receiver->progress();
    view.complaint = track.receiver->complaint();
    any_unit = any_unit || view.progress.units > 0;
    views.push_back(std::move(view));
  }
  Verdict verdict = Judge(views, playing_since_, now, options_.udp);
  switch (verdict.kind) {
    case Verdict::Kind::kDead:
      return End(SessionEnd::Kind::kFailed, std::move(verdict.reason));
    case Verdict::Kind::kUdpSilent:
      return End(SessionEnd::Kind::kUdpSilent, std::move(verdict.reason));
    case Verdict::Kind::kWaiting:
      return Tell(SourceState::kWaiting, std::move(verdict.reason));
    case Verdict::Kind::kFine:
      break;
  }
  if (!any_unit) return;
  if (!left_out_.empty())
    verdict.reason += fmt::format("{}without {}, which cannot be recorded",
                                  verdict.reason.empty() ? "" : "; ", left_out_);
  Tell(SourceState::kRecording, std::move(verdict.reason));
}

void ClientSession::KeepAliveIfDue(SteadyTime now) {
  if (now - kept_alive_ < keep_alive_.interval()) return;
  kept_alive_ = now;
  const Headers none;
  keep_alive_cseq_ = SendRequest(keep_alive_.method(), aggregate_url_, none);
}

void ClientSession::ReportReception(SteadyTime now) {
  reported_ = now;
  for (Track& track : tracks_) {
    const auto block = track.receiver->TakeReport(now);
    if (!block) continue;
    const std::vector<rtp::ReportBlock> blocks(1, *block);
    const Bytes report = rtp::MakeReceiverReport(own_ssrc_, blocks, kCname);
    if (track.udp) {
      track.udp->SendRtcp(report);
    } else {
      connection_->SendOrDrop(
          InterleavedFrame(static_cast<uint8_t>(track.channels.second), report));
    }
  }
}

void ClientSession::Tell(SourceState state, std::string reason) {
  if (told_ && told_->state == state && told_->reason == reason) return;
  SourceStatus status;
  status.state = state;
  status.reason = std::move(reason);
  told_ = status;
  environment_.publications.Report(options_.stream, std::move(status));
}

}  // namespace penstock::ingest::rtsp
