// Every operation of the video services. Each is in the file of its name.
#pragma once

#include "server/operations/aws_context.h"
#include "server/operations/operation.h"

namespace penstock::server::aws::video {

extern const Operation kTagStream;
extern const Operation kUntagStream;
extern const Operation kListTagsForStream;
extern const Operation kTagResource;
extern const Operation kUntagResource;
extern const Operation kListTagsForResource;
extern const Operation kUpdateStream;
extern const Operation kDescribeStreamStorageConfiguration;
extern const Operation kUpdateStreamStorageConfiguration;
extern const Operation kCreateSignalingChannel;
extern const Operation kDescribeSignalingChannel;
extern const Operation kListSignalingChannels;
extern const Operation kUpdateSignalingChannel;
extern const Operation kDeleteSignalingChannel;
extern const Operation kGetSignalingChannelEndpoint;
extern const Operation kUpdateMediaStorageConfiguration;
extern const Operation kDescribeMediaStorageConfiguration;
extern const Operation kDescribeMappedResourceConfiguration;
extern const Operation kUpdateImageGenerationConfiguration;
extern const Operation kDescribeImageGenerationConfiguration;
extern const Operation kUpdateNotificationConfiguration;
extern const Operation kDescribeNotificationConfiguration;
extern const Operation kStartEdgeConfigurationUpdate;
extern const Operation kDescribeEdgeConfiguration;
extern const Operation kDeleteEdgeConfiguration;
extern const Operation kListEdgeAgentConfigurations;

extern const Operation kCreateStream;                // create_stream.cc
extern const Operation kDescribeStream;              // describe_stream.cc
extern const Operation kListStreams;                 // list_streams.cc
extern const Operation kDeleteStream;                // delete_stream.cc
extern const Operation kUpdateDataRetention;         // update_data_retention.cc
extern const Operation kGetDataEndpoint;             // get_data_endpoint.cc
extern const Operation kListFragments;               // list_fragments.cc
extern const Operation kGetMediaForFragmentList;     // get_media_for_fragment_list.cc
extern const Operation kGetMedia;                    // get_media.cc
extern const Operation kGetHlsStreamingSessionUrl;   // get_hls_streaming_session_url.cc
extern const Operation kGetDashStreamingSessionUrl;  // get_dash_streaming_session_url.cc
extern const Operation kGetClip;                     // get_clip.cc
extern const Operation kGetImages;                   // get_images.cc
extern const Operation kPutMedia;                    // put_media.cc

}  // namespace penstock::server::aws::video
