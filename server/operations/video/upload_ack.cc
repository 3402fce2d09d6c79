#include "server/operations/video/upload_ack.h"

#include <fmt/format.h>

namespace penstock::server::aws::video {

using fragmenter::UploadFault;
using ingest::UploadAck;

AckError AckErrorOf(UploadFault fault) {
  switch (fault) {
    case UploadFault::kReadFailed:
      return {"STREAM_READ_ERROR", 4000};
    case UploadFault::kFragmentBytes:
      return {"MAX_FRAGMENT_SIZE_REACHED", 4001};
    case UploadFault::kFragmentTime:
      return {"MAX_FRAGMENT_DURATION_REACHED", 4002};
    case UploadFault::kConnectionTime:
      return {"MAX_CONNECTION_DURATION_REACHED", 4003};
    case UploadFault::kTimecode:
      return {"FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS", 4004};
    case UploadFault::kInvalid:
      return {"INVALID_MKV_DATA", 4006};
    case UploadFault::kProducerTime:
      return {"INVALID_PRODUCER_TIMESTAMP", 4007};
    case UploadFault::kStreamGone:
      return {"STREAM_NOT_ACTIVE", 4008};
    case UploadFault::kTags:
      return {"FRAGMENT_METADATA_LIMIT_REACHED", 4009};
    case UploadFault::kUnknownTrack:
      return {"TRACK_NUMBER_MISMATCH", 4010};
    case UploadFault::kTrackMissing:
      return {"FRAMES_MISSING_FOR_TRACK", 4011};
    case UploadFault::kTooManyTracks:
      return {"MORE_THAN_ALLOWED_TRACKS_FOUND", 4012};
    case UploadFault::kInternal:
      return {"INTERNAL_ERROR", 5000};
    case UploadFault::kNotStored:
      return {"ARCHIVAL_ERROR", 5001};
  }
  return {"INTERNAL_ERROR", 5000};
}

std::string_view AckName(UploadAck::Kind kind) {
  switch (kind) {
    case UploadAck::Kind::kBuffering:
      return "BUFFERING";
    case UploadAck::Kind::kReceived:
      return "RECEIVED";
    case UploadAck::Kind::kPersisted:
      return "PERSISTED";
    case UploadAck::Kind::kIdle:
      return "IDLE";
    case UploadAck::Kind::kError:
      return "ERROR";
  }
  return "IDLE";
}

bool LosesJoinedAcks(std::string_view user_agent) {
  return user_agent.starts_with("AWS-SDK-KVS/") &&
         user_agent.find(" JAVA/") != std::string_view::npos;
}

SteadyTime AckGoesAt(size_t waiting, SteadyTime last_written) {
  return waiting > 1 ? last_written : last_written + kAckApart;
}

std::string FormatAck(const UploadAck& ack) {
  std::string out = fmt::format("{{\"EventType\":\"{}\"", AckName(ack.kind));
  if (ack.timecode) out += fmt::format(",\"FragmentTimecode\":{}", *ack.timecode);
  if (ack.number) out += fmt::format(",\"FragmentNumber\":\"{}\"", ack.number->ToString());
  if (ack.kind == UploadAck::Kind::kError) {
    const AckError error = AckErrorOf(ack.fault);
    out += fmt::format(",\"ErrorCode\":\"{}\",\"ErrorId\":{}", error.code, error.id);
  }
  out += "}\r\n";
  return out;
}

}  // namespace penstock::server::aws::video
