// The list of the video services' operations.
#include "server/operations/operation.h"
#include "server/operations/video/operations.h"

namespace penstock::server::aws {

std::span<const Operation* const> VideoOperations() {
  static constexpr const Operation* kOperations[] = {
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
      &video::kGetClip,
      &video::kPutMedia,
  };
  return kOperations;
}

}  // namespace penstock::server::aws
