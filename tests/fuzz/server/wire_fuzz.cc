// An input held against a table of every kind of shape and against those of operations, and a
// page's token.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "server/operations/operation.h"
#include "server/operations/page_token.h"
#include "server/operations/video/channel_shapes.h"
#include "server/operations/video/configuration_shapes.h"
#include "server/operations/video/edge_shapes.h"
#include "server/operations/video/tag_shapes.h"
#include "server/wire/patterns.h"
#include "server/wire/validate.h"

namespace {

using namespace penstock::server::wire;

constexpr Shape kText{.min = 1, .max = 8, .pattern = &kName};
constexpr Shape kArn{.min = 1, .max = 1024, .pattern = &kVideoArn};
constexpr Shape kTypes{.min = 1, .max = 128, .pattern = &kMediaTypes};
constexpr Shape kTag{.min = 0, .max = 16, .pattern = &kTagText};
constexpr std::string_view kValues[] = {"A", "B"};
constexpr Shape kEnum{.values = kValues};
constexpr Shape kNumber{.kind = Kind::kInteger, .min = 1, .max = 9};
constexpr Shape kFlag{.kind = Kind::kBoolean};
constexpr Shape kWhen{.kind = Kind::kTimestamp};
constexpr Shape kList{.kind = Kind::kList, .min = 1, .max = 3, .element = &kText};
constexpr Shape kMap{.kind = Kind::kMap, .min = 1, .max = 3, .element = &kTag, .key = &kText};
constexpr Member kInnerMembers[] = {{"When", &kWhen, true}, {"List", &kList}};
constexpr Shape kInner{.kind = Kind::kStructure, .members = kInnerMembers};
constexpr Member kMembers[] = {{"Text", &kText, true}, {"Arn", &kArn},    {"Types", &kTypes},
                               {"Enum", &kEnum},       {"N", &kNumber},   {"Flag", &kFlag},
                               {"Map", &kMap},         {"Inner", &kInner}};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

namespace video = penstock::server::aws::video;
constexpr const Shape* kShared[] = {
    &video::kStreamShape,       &video::kStorageShape,      &video::kChannelShape,
    &video::kTagMapShape,       &video::kTagListShape,      &video::kTagKeysShape,
    &video::kImagesShape,       &video::kNotificationShape, &video::kEdgeShape,
    &video::kSingleMasterShape,
};

void Check(const Shape& shape, const penstock::Json& input) {
  const penstock::Status status = Validate(shape, input);
  if (status.ok()) {
    const penstock::Json known = KnownPart(shape, input);
    CHECK(Validate(shape, known).ok());
    CHECK(KnownPart(shape, known).Dump() == known.Dump());
    return;
  }
  CHECK(!status.error().message().empty());
  CHECK(status.error().message().size() < 16 * 1024);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto fields = penstock::server::aws::ReadPageToken(text, "kind", 2);
  if (fields.ok()) {
    CHECK(fields->size() == 2);
    const auto again = penstock::server::aws::ReadPageToken(
        penstock::server::aws::MakePageToken("kind", *fields), "kind", 2);
    CHECK(*again == *fields);
  }
  const auto json = penstock::Json::Parse(text);
  if (!json.ok()) return 0;
  Check(kInput, *json);
  for (const Shape* shape : kShared) Check(*shape, *json);
  for (const auto* operation : penstock::server::aws::VideoOperations())
    Check(*operation->input, *json);
  return 0;
}
