// What the files of playback sessions have in common, whichever protocol they are for.
#pragma once

#include "playback/resource.h"
#include "server/api/operations.h"
#include "server/operations/video/streaming_session.h"

namespace penstock::server {

// Makes the file of a session; `token` goes into the URLs that it names.
using LoadSessionFile = Task<Result<playback::Resource>> (*)(Services& services,
                                                             aws::video::StreamingSession session,
                                                             std::string token, std::string file,
                                                             Call call);

// Answers with the file that the path ends in, for whoever shows the token of a session of this
// protocol; kNotFound if its stream was deleted meanwhile.
Task<Outcome> ServeSessionFile(Services& services, Call call,
                               aws::video::StreamingSession::Protocol protocol,
                               LoadSessionFile load);

}  // namespace penstock::server
