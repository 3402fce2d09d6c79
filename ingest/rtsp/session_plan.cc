#include "ingest/rtsp/session_plan.h"

#include "ingest/rtsp/text.h"
#include "ingest/rtsp/url.h"

namespace penstock::ingest::rtsp {
namespace {

// Some cameras put a bare path, a host without scheme or nothing at all into these headers: then
// the request's URL is the base.
std::string BaseOf(const Response& described, const std::string& request_url) {
  for (const std::string_view name : {"Content-Base", "Content-Location"}) {
    const auto value = described.headers.Find(name);
    if (value && IsAbsoluteRtspUrl(Trim(*value)) && Url::Parse(*value).ok()) {
      return std::string(Trim(*value));
    }
  }
  return request_url;
}

}  // namespace

Result<SessionPlan> PlanSession(const Response& described, const std::string& request_url) {
  PS_TRY(const Sdp sdp, Sdp::Parse(described.body.text()));
  if (sdp.media.empty()) {
    return Error(ErrorCode::kProtocol, "the session description has no media");
  }
  const std::string base = ResolveControl(BaseOf(described, request_url), sdp.control);
  SessionPlan plan;
  plan.aggregate_url = base;
  for (const SdpMedia& media : sdp.media) {
    const bool av = media.type == "video" || media.type == "audio";
    if (!av || !media.active) continue;
    PlannedTrack track;
    track.media = media;
    // A relative control of the session names the aggregate, not the base of its media.
    const bool absolute = IsAbsoluteRtspUrl(sdp.control);
    track.url = ResolveControl(absolute ? base : BaseOf(described, request_url), media.control);
    plan.candidates.push_back(std::move(track));
  }
  return plan;
}

}  // namespace penstock::ingest::rtsp
