// Keeps one camera recorded: session after session.
#pragma once

#include "ingest/rtsp/client_session.h"
#include "ingest/sources.h"

namespace penstock::ingest::rtsp {

// PullCamera with everything from outside passed in. Runs on the current executor until the token
// fires. `seed` is for the jitter.
Task<void> Pull(ClientEnvironment& environment, SourceConfig config, uint64_t seed,
                CancelToken token);

}  // namespace penstock::ingest::rtsp
