// Session descriptions, and what is planned from them.
#include "base/check.h"
#include "base/limits.h"
#include "ingest/rtsp/sdp.h"
#include "ingest/rtsp/session_plan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock;                // NOLINT: a program of one function
  using namespace penstock::ingest::rtsp;  // NOLINT
  const std::string_view text = AsText(ByteSpan(data, size));
  const auto sdp = Sdp::Parse(text);
  if (sdp.ok()) {
    CHECK(sdp->media.size() <= limits::kSdpMediaMax);
    for (const SdpMedia& media : sdp->media) CHECK(!MediaName(media).empty());
  }
  Response response;
  response.body = Bytes::Copy(text);
  const auto plan = PlanSession(response, "rtsp://camera/live");
  if (plan.ok()) {
    CHECK(plan->candidates.size() <= sdp->media.size());
    for (const PlannedTrack& track : plan->candidates) CHECK(!track.url.empty());
  }
  return 0;
}
