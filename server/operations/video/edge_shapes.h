// The configuration of an edge agent as inputs say it. The tables alone: fuzzers read them.
#pragma once

#include "server/operations/video/shapes.h"

namespace penstock::server::aws::video {

inline constexpr Shape kHubArnShape{.min = 1, .max = 1024, .pattern = &wire::kHubArn};
inline constexpr Shape kSecretArnShape{.min = 20, .max = 2048, .pattern = &wire::kSecretArn};
inline constexpr std::string_view kMediaUriTypes[] = {"RTSP_URI", "FILE_URI"};
inline constexpr Shape kMediaUriTypeShape{.values = kMediaUriTypes};
inline constexpr Member kMediaSourceMembers[] = {
    {"MediaUriSecretArn", &kSecretArnShape, true},
    {"MediaUriType", &kMediaUriTypeShape, true},
};
inline constexpr Shape kMediaSourceShape{.kind = Kind::kStructure, .members = kMediaSourceMembers};
inline constexpr Shape kScheduleExpressionShape{.min = 11, .max = 100, .pattern = &wire::kOneLine};
inline constexpr Shape kScheduleSecondsShape{.kind = Kind::kInteger, .min = 60, .max = 3600};
inline constexpr Member kScheduleMembers[] = {
    {"ScheduleExpression", &kScheduleExpressionShape, true},
    {"DurationInSeconds", &kScheduleSecondsShape, true},
};
inline constexpr Shape kScheduleShape{.kind = Kind::kStructure, .members = kScheduleMembers};
inline constexpr Member kRecorderMembers[] = {
    {"MediaSourceConfig", &kMediaSourceShape, true},
    {"ScheduleConfig", &kScheduleShape},
};
inline constexpr Shape kRecorderShape{.kind = Kind::kStructure, .members = kRecorderMembers};
inline constexpr Member kUploaderMembers[] = {{"ScheduleConfig", &kScheduleShape, true}};
inline constexpr Shape kUploaderShape{.kind = Kind::kStructure, .members = kUploaderMembers};
inline constexpr Shape kEdgeHoursShape{.kind = Kind::kInteger, .min = 1, .max = 720};
inline constexpr Shape kLocalMegabytesShape{.kind = Kind::kInteger, .min = 64, .max = 2'000'000};
inline constexpr std::string_view kFullStrategies[] = {"DELETE_OLDEST_MEDIA", "DENY_NEW_MEDIA"};
inline constexpr Shape kFullStrategyShape{.values = kFullStrategies};
inline constexpr Member kLocalSizeMembers[] = {
    {"MaxLocalMediaSizeInMB", &kLocalMegabytesShape},
    {"StrategyOnFullSize", &kFullStrategyShape},
};
inline constexpr Shape kLocalSizeShape{.kind = Kind::kStructure, .members = kLocalSizeMembers};
inline constexpr Shape kFlagShape{.kind = Kind::kBoolean};
inline constexpr Member kDeletionMembers[] = {
    {"EdgeRetentionInHours", &kEdgeHoursShape},
    {"LocalSizeConfig", &kLocalSizeShape},
    {"DeleteAfterUpload", &kFlagShape},
};
inline constexpr Shape kDeletionShape{.kind = Kind::kStructure, .members = kDeletionMembers};
inline constexpr Member kEdgeMembers[] = {
    {"HubDeviceArn", &kHubArnShape, true},
    {"RecorderConfig", &kRecorderShape, true},
    {"UploaderConfig", &kUploaderShape},
    {"DeletionConfig", &kDeletionShape},
};
inline constexpr Shape kEdgeShape{.kind = Kind::kStructure, .members = kEdgeMembers};

}  // namespace penstock::server::aws::video
