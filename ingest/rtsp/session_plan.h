// What to set up, from the answer to DESCRIBE.
#pragma once

#include <string>
#include <vector>

#include "ingest/rtsp/message.h"
#include "ingest/rtsp/sdp.h"

namespace penstock::ingest::rtsp {

struct PlannedTrack {
  SdpMedia media;
  std::string url;  // for SETUP
};

struct SessionPlan {
  std::string aggregate_url;             // for PLAY and TEARDOWN
  std::vector<PlannedTrack> candidates;  // active audio and video, in the order of the description
};

// Pure. Control URLs are resolved against Content-Base, Content-Location or the request's URL, or
// against an absolute control of the whole session, which comes before them. kProtocol if the body
// is no session description, or has no media.
Result<SessionPlan> PlanSession(const Response& described, const std::string& request_url);

}  // namespace penstock::ingest::rtsp
