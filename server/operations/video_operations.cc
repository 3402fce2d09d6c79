// The list of the video services' operations.
#include "server/operations/operation.h"
#include "server/operations/video/operations.h"

namespace penstock::server::aws {

std::span<const Operation* const> VideoOperations() {
  static constexpr const Operation* kOperations[] = {
      &video::kTagStream,
      &video::kUntagStream,
      &video::kListTagsForStream,
      &video::kTagResource,
      &video::kUntagResource,
      &video::kListTagsForResource,
      &video::kUpdateStream,
      &video::kDescribeStreamStorageConfiguration,
      &video::kUpdateStreamStorageConfiguration,
      &video::kCreateSignalingChannel,
      &video::kDescribeSignalingChannel,
      &video::kListSignalingChannels,
      &video::kUpdateSignalingChannel,
      &video::kDeleteSignalingChannel,
      &video::kGetSignalingChannelEndpoint,
      &video::kUpdateMediaStorageConfiguration,
      &video::kDescribeMediaStorageConfiguration,
      &video::kDescribeMappedResourceConfiguration,
      &video::kUpdateImageGenerationConfiguration,
      &video::kDescribeImageGenerationConfiguration,
      &video::kUpdateNotificationConfiguration,
      &video::kDescribeNotificationConfiguration,
      &video::kStartEdgeConfigurationUpdate,
      &video::kDescribeEdgeConfiguration,
      &video::kDeleteEdgeConfiguration,
      &video::kListEdgeAgentConfigurations,
      &video::kCreateStream,
      &video::kDescribeStream,
      &video::kListStreams,
      &video::kDeleteStream,
      &video::kUpdateDataRetention,
      &video::kGetDataEndpoint,
      &video::kListFragments,
      &video::kGetMediaForFragmentList,
      &video::kGetMedia,
      &video::kGetHlsStreamingSessionUrl,
      &video::kGetDashStreamingSessionUrl,
      &video::kGetClip,
      &video::kGetImages,
      &video::kPutMedia,
  };
  return kOperations;
}

}  // namespace penstock::server::aws
