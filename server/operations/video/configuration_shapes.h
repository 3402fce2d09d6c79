// What a stream may be told to do for others, as inputs say it. The tables alone: fuzzers read
// them.
#pragma once

#include "server/operations/video/shapes.h"

namespace penstock::server::aws::video {

inline constexpr std::string_view kEnabled = "ENABLED";
inline constexpr std::string_view kDisabled = "DISABLED";
inline constexpr std::string_view kStatuses[] = {kEnabled, kDisabled};
inline constexpr Shape kStatusShape{.values = kStatuses};
inline constexpr Shape kUriShape{.min = 1, .max = 255, .pattern = &wire::kDestinationUri};

inline constexpr std::string_view kSelectors[] = {"SERVER_TIMESTAMP", "PRODUCER_TIMESTAMP"};
inline constexpr Shape kSelectorShape{.values = kSelectors};
inline constexpr Shape kImageUriShape{.min = 1, .max = 255, .pattern = &wire::kImageUri};
inline constexpr Shape kRegionShape{.min = 9, .max = 14, .pattern = &wire::kRegionName};
inline constexpr Member kImageDestinationMembers[] = {
    {"Uri", &kImageUriShape, true},
    {"DestinationRegion", &kRegionShape, true},
};
inline constexpr Shape kImageDestinationShape{.kind = Kind::kStructure,
                                              .members = kImageDestinationMembers};
// Milliseconds. The least is said in the documentation of the service, not in its model.
inline constexpr Shape kIntervalShape{.kind = Kind::kInteger, .min = 200};
inline constexpr std::string_view kImageFormats[] = {"JPEG", "PNG"};
inline constexpr Shape kImageFormatShape{.values = kImageFormats};
inline constexpr std::string_view kFormatKeys[] = {"JPEGQuality"};
inline constexpr Shape kFormatKeyShape{.values = kFormatKeys};
inline constexpr Shape kFormatValueShape{.min = 0, .max = 256, .pattern = &wire::kFormatValue};
inline constexpr Shape kFormatConfigShape{
    .kind = Kind::kMap, .min = 1, .max = 1, .element = &kFormatValueShape, .key = &kFormatKeyShape};
inline constexpr Shape kWidthShape{.kind = Kind::kInteger, .min = 1, .max = 3840};
inline constexpr Shape kHeightShape{.kind = Kind::kInteger, .min = 1, .max = 2160};
inline constexpr Member kImagesMembers[] = {
    {"Status", &kStatusShape, true},
    {"ImageSelectorType", &kSelectorShape, true},
    {"DestinationConfig", &kImageDestinationShape, true},
    {"SamplingInterval", &kIntervalShape, true},
    {"Format", &kImageFormatShape, true},
    {"FormatConfig", &kFormatConfigShape},
    {"WidthPixels", &kWidthShape},
    {"HeightPixels", &kHeightShape},
};
inline constexpr Shape kImagesShape{.kind = Kind::kStructure, .members = kImagesMembers};

inline constexpr Member kNotificationDestinationMembers[] = {{"Uri", &kUriShape, true}};
inline constexpr Shape kNotificationDestinationShape{.kind = Kind::kStructure,
                                                     .members = kNotificationDestinationMembers};
inline constexpr Member kNotificationMembers[] = {
    {"Status", &kStatusShape, true},
    {"DestinationConfig", &kNotificationDestinationShape, true},
};
inline constexpr Shape kNotificationShape{.kind = Kind::kStructure,
                                          .members = kNotificationMembers};

}  // namespace penstock::server::aws::video
