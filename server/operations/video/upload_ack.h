// What producers read while they send: acks of PutMedia. Pure.
#pragma once

#include <string>
#include <string_view>

#include "ingest/upload/upload_session.h"

namespace penstock::server::aws::video {

// One JSON object and a line's end, in one chunk of its own: producers' parsers take neither more
// in one piece, nor nesting, nor null.
std::string FormatAck(const ingest::UploadAck& ack);

// "PERSISTED"
std::string_view AckName(ingest::UploadAck::Kind kind);

// What an error is called on the wire.
struct AckError {
  std::string_view code;
  int id = 0;
};
AckError AckErrorOf(fragmenter::UploadFault fault);

}  // namespace penstock::server::aws::video
