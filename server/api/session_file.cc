#include "server/api/session_file.h"

#include "server/api/playback_response.h"

namespace penstock::server {

Task<Outcome> ServeSessionFile(Services& services, Call call,
                               aws::video::StreamingSession::Protocol protocol,
                               LoadSessionFile load) {
  std::string token(call.request.QueryValue("SessionToken"));
  PS_CO_TRY(const aws::video::StreamingSession session,
            aws::video::ReadSessionToken(services.keys, token, services.clock.Now(), protocol));
  PS_CO_TRY(const OpenStream stream, FindStream(services, session.stream));
  // It was for another that had this name.
  if (stream.info.shard != session.shard)
    co_return Error(ErrorCode::kNotFound, "The stream of this session was deleted.");
  std::string file = call.request.path.substr(call.request.path.rfind('/') + 1);
  PS_CO_TRY(playback::Resource resource,
            co_await load(services, session, std::move(token), std::move(file), std::move(call)));
  net::HttpResponse response = PlaybackResponse(std::move(resource));
  AllowAnyOrigin(response);
  co_return response;
}

}  // namespace penstock::server
