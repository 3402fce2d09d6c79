// What is kept of streams beside their media, as clients of the video services see it. Without
// sockets or signatures; real clients are in tests/e2e.
#include <algorithm>

#include <fmt/format.h>

#include "server/operations/operation.h"
#include "server/wire/validate.h"
#include "tests/unit/server/operations/aws_fixture.h"

namespace penstock::server::aws {
namespace {

using testing::ElementsAre;

class ControlTest : public AwsTest {
 protected:
  // `more` is further members, each with a comma in front.
  void Create(std::string_view name, std::string_view more = R"(,"DataRetentionInHours":1)") {
    EXPECT_EQ(Ask("/createStream", fmt::format(R"({{"StreamName":"{}"{}}})", name, more)), 200);
  }
  int OnStream(std::string path, std::string_view more = "", std::string_view name = "door") {
    return Ask(std::move(path), fmt::format(R"({{"StreamName":"{}"{}}})", name, more));
  }
  std::string Version(std::string_view name = "door") {
    EXPECT_EQ(OnStream("/describeStream", "", name), 200);
    return std::string(json_["StreamInfo"]["Version"].AsString());
  }
  std::string Tags() {
    EXPECT_EQ(OnStream("/listTagsForStream"), 200);
    return json_["Tags"].Dump();
  }
  static std::string FiftyTags() {
    std::string tags;
    for (int i = 0; i < 50; ++i) tags += fmt::format(R"({}"k{}":"v")", i == 0 ? "" : ",", i);
    return tags;
  }
  // Of streams and channels, as far as the video services keep it.
  size_t Kept() { return store_.catalog().Scan("video", "", 1000).size(); }
};

TEST_F(ControlTest, TagsAreAddedReplacedAndRemovedAndChangeNoVersion) {
  Create("door");
  EXPECT_EQ(Tags(), "{}");
  const std::string version = Version();
  EXPECT_EQ(OnStream("/tagStream", R"(,"Tags":{"site":"north","floor":"1"})"), 200);
  EXPECT_EQ(OnStream("/tagStream", R"(,"Tags":{"floor":"2","empty":""})"), 200);
  EXPECT_EQ(Tags(), R"({"site":"north","floor":"2","empty":""})");
  EXPECT_EQ(OnStream("/untagStream", R"(,"TagKeyList":["floor","unknown"])"), 200);
  EXPECT_EQ(Tags(), R"({"site":"north","empty":""})");
  EXPECT_EQ(Version(), version);
  EXPECT_EQ(OnStream("/listTagsForStream", R"(,"NextToken":"Zm9yZWlnbg==")"), 400);
  EXPECT_EQ(error_, "InvalidArgumentException");
  EXPECT_EQ(OnStream("/tagStream", "", "none"), 400) << "Tags have to be there";
  EXPECT_EQ(OnStream("/tagStream", R"(,"Tags":{"a":"b"})", "none"), 404);
}

TEST_F(ControlTest, AResourceHasFiftyTags) {
  Create("door");
  const std::string arn = Arn("door");
  EXPECT_EQ(OnStream("/tagStream", ",\"Tags\":{" + FiftyTags() + "}"), 200);
  EXPECT_EQ(OnStream("/tagStream", R"(,"Tags":{"k49":"other"})"), 200) << "no more than there were";
  EXPECT_EQ(OnStream("/tagStream", R"(,"Tags":{"k50":"v"})"), 400);
  EXPECT_EQ(error_, "TagsPerResourceExceededLimitException");
  EXPECT_EQ(OnStream("/tagStream", ",\"Tags\":{" + FiftyTags() + R"(,"more":"v"})"), 400);
  EXPECT_EQ(error_, "TagsPerResourceExceededLimitException");
  EXPECT_EQ(
      Ask("/TagResource", R"({"ResourceARN":")" + arn + R"(","Tags":[{"Key":"k50","Value":"v"}]})"),
      400);
  EXPECT_EQ(error_, "TagsPerResourceExceededLimitException");
  OnStream("/listTagsForStream");
  EXPECT_EQ(json_["Tags"].object().size(), 50u);
  EXPECT_EQ(json_["Tags"]["k49"].AsString(), "other");
}

TEST_F(ControlTest, TagsOfAResourceAreThoseOfTheStream) {
  Create("door");
  const std::string arn = R"({"ResourceARN":")" + Arn("door") + "\"";
  EXPECT_EQ(Ask("/TagResource", arn + R"(,"Tags":[{"Key":"a","Value":"1"},
                {"Key":"b","Value":"2"},{"Key":"a","Value":"3"}]})"),
            200);
  EXPECT_EQ(Tags(), R"({"a":"3","b":"2"})");
  EXPECT_EQ(Ask("/UntagResource", arn + R"(,"TagKeyList":["a"]})"), 200);
  EXPECT_EQ(Ask("/ListTagsForResource", arn + "}"), 200);
  EXPECT_EQ(json_["Tags"].Dump(), R"({"b":"2"})");
  EXPECT_EQ(Ask("/TagResource", arn + R"(,"Tags":[{"Key":"a"}]})"), 400);
  EXPECT_EQ(error_, "InvalidArgumentException");
  EXPECT_EQ(Ask("/ListTagsForResource",
                R"({"ResourceARN":"arn:aws:kinesisvideo:us-east-1:000000000000:stream/door/1"})"),
            404);
  EXPECT_EQ(Ask("/ListTagsForResource",
                R"({"ResourceARN":"arn:aws:kinesisvideo:us-east-1:000000000000:thing/door/1"})"),
            400);
  EXPECT_EQ(error_, "InvalidArgumentException");
}

TEST_F(ControlTest, AStreamsDescriptionChangesOnlyFromTheVersionThatWasSeen) {
  Create("door", R"(,"DeviceName":"cam","MediaType":"video/h264")");
  const std::string first = Version();
  const auto seen = [](std::string_view version) {
    return fmt::format(R"(,"CurrentVersion":"{}")", version);
  };
  EXPECT_EQ(OnStream("/updateStream", seen(first) + R"(,"MediaType":"video/h265")"), 200);
  const std::string second = Version();
  EXPECT_NE(second, first);
  EXPECT_EQ(json_["StreamInfo"]["MediaType"].AsString(), "video/h265");
  EXPECT_EQ(json_["StreamInfo"]["DeviceName"].AsString(), "cam") << "what is left out stays";
  for (const char* path : {"/updateStream", "/deleteStream"}) {
    EXPECT_EQ(Ask(path, R"({"StreamARN":")" + Arn("door") + "\"" + seen(first) + "}"), 400);
    EXPECT_EQ(error_, "VersionMismatchException") << path;
  }
  const std::string warm = R"(,"StreamStorageConfiguration":{"DefaultStorageTier":"WARM"})";
  EXPECT_EQ(OnStream("/describeStreamStorageConfiguration"), 200);
  EXPECT_EQ(json_["StreamStorageConfiguration"]["DefaultStorageTier"].AsString(), "HOT");
  EXPECT_EQ(OnStream("/updateStreamStorageConfiguration", seen(first) + warm), 400);
  EXPECT_EQ(error_, "VersionMismatchException");
  EXPECT_EQ(OnStream("/updateStreamStorageConfiguration", seen(second) + warm), 200);
  EXPECT_NE(Version(), second);
  EXPECT_EQ(OnStream("/describeStreamStorageConfiguration"), 200);
  EXPECT_EQ(json_["StreamStorageConfiguration"]["DefaultStorageTier"].AsString(), "WARM");
  EXPECT_EQ(json_["StreamName"].AsString(), "door");
  EXPECT_EQ(
      OnStream("/updateDataRetention", seen(second) + R"(,"Operation":"INCREASE_DATA_RETENTION",
                     "DataRetentionChangeInHours":1)"),
      400);
  EXPECT_EQ(error_, "VersionMismatchException");
}

TEST_F(ControlTest, ChangesOfOneStreamAtTheSameTimeAreAllKept) {
  Create("door");
  store_.catalog().conflicts = 3;
  EXPECT_EQ(OnStream("/tagStream", R"(,"Tags":{"a":"b"})"), 200) << "tried again";
  EXPECT_EQ(store_.catalog().conflicts, 0);
  store_.catalog().conflicts = 1000;
  EXPECT_EQ(OnStream("/tagStream", R"(,"Tags":{"c":"d"})"), 503) << "not for ever";
  EXPECT_EQ(error_, "ServiceUnavailableException");
}

constexpr std::string_view kImages =
    R"(,"ImageGenerationConfiguration":{"Status":"ENABLED","ImageSelectorType":"SERVER_TIMESTAMP",
    "DestinationConfig":{"Uri":"s3://pictures/door","DestinationRegion":"eu-west-1"},
    "SamplingInterval":3000,"Format":"JPEG","FormatConfig":{"JPEGQuality":"80"},"Unknown":1})";
constexpr std::string_view kNotification =
    R"(,"NotificationConfiguration":{"Status":"ENABLED","DestinationConfig":{
    "Uri":"arn:aws:sns:eu-west-1:123456789012:seen"}})";

TEST_F(ControlTest, ImagesMayGoToFoldersThatTheOperatorAllows) {
  Create("door");
  const auto to = [&](std::string_view uri) {
    std::string body(kImages);
    const std::string_view before = "s3://pictures/door";
    body.replace(body.find(before), before.size(), uri);
    return OnStream("/updateImageGenerationConfiguration", body);
  };
  EXPECT_EQ(to("file:///var/pictures/door"), 400);
  EXPECT_EQ(error_, "InvalidArgumentException");
  EXPECT_THAT(Message(), testing::HasSubstr("images.directory"));
  aws_.images_directory = "/var/pictures";
  EXPECT_EQ(to("file:///var/pictures/door"), 200);
  EXPECT_EQ(to("file:///var/picture"), 400);
  EXPECT_THAT(Message(), testing::HasSubstr("/var/pictures"));
}

TEST_F(ControlTest, ConfigurationsAreKeptShownAndTakenAway) {
  Create("door");
  EXPECT_EQ(OnStream("/describeImageGenerationConfiguration"), 200);
  EXPECT_EQ(json_.Dump(), R"({"ImageGenerationConfiguration":null})");
  EXPECT_EQ(OnStream("/updateImageGenerationConfiguration", kImages), 200);
  EXPECT_EQ(OnStream("/describeImageGenerationConfiguration"), 200);
  const Json& images = json_["ImageGenerationConfiguration"];
  EXPECT_EQ(images["DestinationConfig"]["Uri"].AsString(), "s3://pictures/door");
  EXPECT_EQ(images["SamplingInterval"].AsInt(), 3000);
  EXPECT_EQ(images["FormatConfig"]["JPEGQuality"].AsString(), "80");
  EXPECT_TRUE(images["Unknown"].is_null()) << "what nobody understands is not kept";
  EXPECT_EQ(OnStream("/updateImageGenerationConfiguration"), 200);
  EXPECT_EQ(OnStream("/describeImageGenerationConfiguration"), 200);
  EXPECT_TRUE(json_["ImageGenerationConfiguration"].is_null());

  EXPECT_EQ(OnStream("/updateNotificationConfiguration", kNotification), 200);
  EXPECT_EQ(OnStream("/describeNotificationConfiguration"), 200);
  EXPECT_EQ(json_["NotificationConfiguration"]["DestinationConfig"]["Uri"].AsString(),
            "arn:aws:sns:eu-west-1:123456789012:seen");
  EXPECT_EQ(OnStream("/updateNotificationConfiguration", R"(,"NotificationConfiguration":null)"),
            200);
  EXPECT_EQ(OnStream("/describeNotificationConfiguration"), 200);
  EXPECT_TRUE(json_["NotificationConfiguration"].is_null());
}

TEST_F(ControlTest, WrongConfigurationsAreRefusedByTheModelsRules) {
  Create("door");
  const auto refused = [&](std::string_view from, std::string_view to) {
    std::string input(kImages);
    const size_t at = input.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    input.replace(at, from.size(), to);
    EXPECT_EQ(OnStream("/updateImageGenerationConfiguration", input), 400) << to;
    EXPECT_EQ(error_, "InvalidArgumentException") << to;
  };
  refused(R"("Status":"ENABLED",)", "");
  refused("s3://pictures/door", "s3:///door");
  refused("s3://pictures/door", "s3://pictures/*");
  refused("eu-west-1", "eu-west-10");
  refused("3000", "199");
  refused("\"JPEG\"", "\"GIF\"");
  refused("JPEGQuality", "PNGQuality");
  refused("\"80\"", "\"101\"");
  refused("\"80\"", "\"best\"");
}

TEST_F(ControlTest, AStreamThatStoresNothingHasNothingToBeConfigured) {
  Create("door", "");
  EXPECT_EQ(OnStream("/updateImageGenerationConfiguration", kImages), 400);
  EXPECT_EQ(error_, "NoDataRetentionException");
  EXPECT_EQ(OnStream("/updateNotificationConfiguration", kNotification), 400);
  EXPECT_EQ(error_, "NoDataRetentionException");
  EXPECT_EQ(OnStream("/updateNotificationConfiguration"), 200) << "but it may be taken away";
}

constexpr std::string_view kEdge =
    R"(,"EdgeConfig":{"HubDeviceArn":"arn:aws:iot:eu-west-1:123456789012:thing/hub",
    "RecorderConfig":{"MediaSourceConfig":{"MediaUriType":"RTSP_URI","MediaUriSecretArn":
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:door"}},"DeletionConfig":
    {"EdgeRetentionInHours":24,"DeleteAfterUpload":false}})";

TEST_F(ControlTest, AnEdgeConfigurationWaitsForAnAgentThatDoesNotCome) {
  Create("door");
  EXPECT_EQ(OnStream("/describeEdgeConfiguration"), 404);
  EXPECT_EQ(error_, "StreamEdgeConfigurationNotFoundException");
  EXPECT_EQ(OnStream("/deleteEdgeConfiguration"), 404);
  EXPECT_EQ(error_, "StreamEdgeConfigurationNotFoundException");
  EXPECT_EQ(OnStream("/describeEdgeConfiguration", "", "none"), 404);
  EXPECT_EQ(error_, "ResourceNotFoundException");
  EXPECT_EQ(OnStream("/startEdgeConfigurationUpdate", kEdge), 200);
  EXPECT_EQ(json_["SyncStatus"].AsString(), "SYNCING");
  EXPECT_EQ(json_["EdgeConfig"]["DeletionConfig"]["EdgeRetentionInHours"].AsInt(), 24);
  EXPECT_EQ(OnStream("/startEdgeConfigurationUpdate", kEdge), 400);
  EXPECT_EQ(error_, "ResourceInUseException");
  clock_.Advance(std::chrono::minutes(15));
  EXPECT_EQ(OnStream("/describeEdgeConfiguration"), 200);
  EXPECT_EQ(json_["SyncStatus"].AsString(), "SYNC_FAILED");
  EXPECT_FALSE(json_["FailedStatusDetails"].AsString().empty());
  const double created = json_["CreationTime"].AsDouble();
  EXPECT_EQ(OnStream("/startEdgeConfigurationUpdate", kEdge), 200);
  EXPECT_EQ(json_["CreationTime"].AsDouble(), created);
  EXPECT_EQ(json_["LastUpdatedTime"].AsDouble(), created + 900);
  EXPECT_EQ(OnStream("/deleteEdgeConfiguration"), 200);
  EXPECT_EQ(OnStream("/describeEdgeConfiguration"), 404);
  Create("live", "");
  EXPECT_EQ(OnStream("/startEdgeConfigurationUpdate", kEdge, "live"), 400);
  EXPECT_EQ(error_, "NoDataRetentionException");
}

TEST_F(ControlTest, EdgeConfigurationsOfOneAgentAreListedByPages) {
  for (const char* name : {"a", "b", "c", "d"}) {
    Create(name);
    std::string edge(kEdge);
    if (name[0] == 'b') edge.replace(edge.find("thing/hub"), 9, "thing/box");
    EXPECT_EQ(OnStream("/startEdgeConfigurationUpdate", edge, name), 200);
  }
  const std::string hub = R"({"HubDeviceArn":"arn:aws:iot:eu-west-1:123456789012:thing/hub")";
  EXPECT_EQ(Ask("/listEdgeAgentConfigurations", hub + R"(,"MaxResults":2})"), 200);
  const auto names = [&] {
    std::vector<std::string> out;
    for (const Json& edge : json_["EdgeConfigs"].array())
      out.emplace_back(edge["StreamName"].AsString());
    return out;
  };
  EXPECT_THAT(names(), ElementsAre("a", "c"));
  const std::string token(json_["NextToken"].AsString());
  EXPECT_EQ(Ask("/listEdgeAgentConfigurations", hub + R"(,"NextToken":")" + token + "\"}"), 200);
  EXPECT_THAT(names(), ElementsAre("d"));
  EXPECT_TRUE(json_["NextToken"].is_null());
}

TEST_F(ControlTest, ADeletedStreamTakesEverythingWithIt) {
  Create("door");
  OnStream("/tagStream", R"(,"Tags":{"a":"b"})");
  OnStream("/updateImageGenerationConfiguration", kImages);
  OnStream("/updateNotificationConfiguration", kNotification);
  OnStream("/startEdgeConfigurationUpdate", kEdge);
  EXPECT_EQ(Kept(), 4u);
  EXPECT_EQ(Ask("/deleteStream", R"({"StreamARN":")" + Arn("door") + R"("})"), 200);
  EXPECT_EQ(Kept(), 0u);
  Create("door");
  EXPECT_EQ(Tags(), "{}");
}

TEST_F(ControlTest, EveryInputTableIsWhole) {
  const auto check = [](const auto& self, const wire::Shape& shape) -> void {
    EXPECT_EQ(shape.element != nullptr,
              shape.kind == wire::Kind::kList || shape.kind == wire::Kind::kMap);
    EXPECT_EQ(shape.key != nullptr, shape.kind == wire::Kind::kMap);
    if (shape.element != nullptr) self(self, *shape.element);
    for (const wire::Member& member : shape.members) {
      ASSERT_NE(member.shape, nullptr) << member.name;
      self(self, *member.shape);
    }
  };
  std::vector<std::string_view> paths;
  for (const Operation* operation : VideoOperations()) {
    SCOPED_TRACE(operation->name);
    ASSERT_EQ(operation->input->kind, wire::Kind::kStructure);
    check(check, *operation->input);
    EXPECT_EQ(operation->path.front(), '/');
    EXPECT_EQ(std::count(paths.begin(), paths.end(), operation->path), 0);
    paths.push_back(operation->path);
    if (operation->input_of != nullptr) continue;  // its body is no JSON
    for (const char* body : {"[]", "\"x\"", "{"}) {
      EXPECT_EQ(Ask(std::string(operation->path), body), 400) << body;
      EXPECT_EQ(error_, "SerializationException") << body;
    }
  }
}

}  // namespace
}  // namespace penstock::server::aws
