// Which channel's media is stored in which stream: at most one channel of a stream, one stream of a
// channel. The channel's entry says it, and beside the stream the channel is noted, both in one
// transaction; when the stream is deleted the channel stores no longer.
#pragma once

#include "server/api/services.h"
#include "server/operations/video/channel.h"

namespace penstock::server::aws::video {

struct MediaStorage {
  bool enabled = false;
  std::optional<store::StreamInfo> stream;  // is set if enabled
};

// Durable when it completes. kAlreadyExists if another channel is stored in the stream; kNotFound
// if channel or stream have gone.
Task<Status> SetMediaStorage(Services& services, Channel channel, MediaStorage storage);

// Where it stores; nullopt if it does not.
std::optional<store::StreamInfo> StorageOf(const Services& services, const Channel& channel);
// The ARN that was set, whether enabled or not, as long as its stream lives; else null.
Json StorageArn(const Services& services, const Channel& channel);
// The channel that is stored in a stream.
std::optional<Channel> ChannelOf(const Services& services, const store::StreamInfo& info);

// Durable when it completes. kConflict if `version` is not empty and not the channel's.
Task<Status> DeleteChannel(Services& services, Channel channel, std::string version);

}  // namespace penstock::server::aws::video
