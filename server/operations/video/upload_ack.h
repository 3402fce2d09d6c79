// What producers read while they send: acks of PutMedia. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "ingest/upload/upload_session.h"

namespace penstock::server::aws::video {

// One JSON object and a line's end, in one chunk of its own: producers' parsers take neither more
// in one piece, nor nesting, nor null.
std::string FormatAck(const ingest::UploadAck& ack);

// "PERSISTED"
std::string_view AckName(ingest::UploadAck::Kind kind);

// Whether it is Amazon's producer library for Java that calls itself so ("AWS-SDK-KVS/1.9.5
// JAVA/17 ..."). It hands over whatever one read of its socket gives, and its core takes only the
// first ack of that as one of this connection: a producer that is about to end waits for the last
// PERSISTED, in vain if that came together with its RECEIVED.
bool LosesJoinedAcks(std::string_view user_agent);

// When the first of `waiting` acks, of which there is one at least, may be written to such a
// client. The last one that there is goes out this long after the one before it; those with others
// behind them need not.
inline constexpr std::chrono::milliseconds kAckApart{50};
SteadyTime AckGoesAt(size_t waiting, SteadyTime last_written);

// What an error is called on the wire.
struct AckError {
  std::string_view code;
  int id = 0;
};
AckError AckErrorOf(fragmenter::UploadFault fault);

}  // namespace penstock::server::aws::video
