// Signaling channels as clients of the video services see them, and whose media is stored where.
#include "server/operations/video/channel.h"

#include <fmt/format.h>

#include "server/operations/video/data_endpoint.h"
#include "tests/unit/server/operations/aws_fixture.h"

namespace penstock::server::aws {
namespace {

using testing::ElementsAre;

class ChannelTest : public AwsTest {
 protected:
  std::string Create(std::string_view name, std::string_view more = "") {
    EXPECT_EQ(
        Ask("/createSignalingChannel", fmt::format(R"({{"ChannelName":"{}"{}}})", name, more)),
        200);
    return std::string(json_["ChannelARN"].AsString());
  }
  int OnChannel(std::string path, std::string_view arn, std::string_view more = "") {
    return Ask(std::move(path), fmt::format(R"({{"ChannelARN":"{}"{}}})", arn, more));
  }
  Json Describe(std::string_view arn) {
    EXPECT_EQ(OnChannel("/describeSignalingChannel", arn), 200);
    return json_["ChannelInfo"];
  }
  std::string CreateStream(std::string_view name, int hours = 1) {
    EXPECT_EQ(Ask("/createStream",
                  fmt::format(R"({{"StreamName":"{}","DataRetentionInHours":{}}})", name, hours)),
              200);
    return std::string(json_["StreamARN"].AsString());
  }
  int Store(std::string_view arn, std::string_view stream, std::string_view status = "ENABLED") {
    const std::string more = stream.empty() ? "" : fmt::format(R"(,"StreamARN":"{}")", stream);
    return OnChannel(
        "/updateMediaStorageConfiguration", arn,
        fmt::format(R"(,"MediaStorageConfiguration":{{"Status":"{}"{}}})", status, more));
  }
  Json Storage(std::string_view arn) {
    EXPECT_EQ(OnChannel("/describeMediaStorageConfiguration", arn), 200);
    return json_["MediaStorageConfiguration"];
  }
  // The ARNs of the channels that are stored in a stream.
  std::vector<std::string> Mapped(std::string_view stream) {
    EXPECT_EQ(
        Ask("/describeMappedResourceConfiguration", fmt::format(R"({{"StreamARN":"{}"}})", stream)),
        200);
    std::vector<std::string> out;
    for (const Json& item : json_["MappedResourceConfigurationList"].array())
      out.emplace_back(item["ARN"].AsString());
    return out;
  }
};

TEST_F(ChannelTest, AChannelIsMadeDescribedChangedAndDeleted) {
  const std::string arn = Create("door", R"(,"Tags":[{"Key":"site","Value":"north"}])");
  EXPECT_EQ(arn, "arn:aws:kinesisvideo:us-east-1:000000000000:channel/door/1768478400123");
  const Json first = Describe(arn);
  EXPECT_EQ(first["ChannelName"].AsString(), "door");
  EXPECT_EQ(first["ChannelStatus"].AsString(), "ACTIVE");
  EXPECT_EQ(first["ChannelType"].AsString(), "SINGLE_MASTER");
  EXPECT_EQ(first["SingleMasterConfiguration"]["MessageTtlSeconds"].AsInt(), 60);
  EXPECT_DOUBLE_EQ(first["CreationTime"].AsDouble(), 1768478400.123);
  const std::string version(first["Version"].AsString());
  EXPECT_EQ(version.size(), 20u);
  EXPECT_EQ(Ask("/describeSignalingChannel", R"({"ChannelName":"door"})"), 200);
  EXPECT_EQ(Ask("/createSignalingChannel", R"({"ChannelName":"door"})"), 400);
  EXPECT_EQ(error_, "ResourceInUseException");

  const std::string longer =
      R"(,"SingleMasterConfiguration":{"MessageTtlSeconds":120},"CurrentVersion":")";
  EXPECT_EQ(OnChannel("/updateSignalingChannel", arn, longer + "abc\""), 400);
  EXPECT_EQ(error_, "VersionMismatchException");
  EXPECT_EQ(OnChannel("/updateSignalingChannel", arn, longer + version + "\""), 200);
  const Json second = Describe(arn);
  EXPECT_EQ(second["SingleMasterConfiguration"]["MessageTtlSeconds"].AsInt(), 120);
  EXPECT_NE(second["Version"].AsString(), version);

  EXPECT_EQ(OnChannel("/deleteSignalingChannel", arn, R"(,"CurrentVersion":")" + version + "\""),
            400);
  EXPECT_EQ(error_, "VersionMismatchException");
  EXPECT_EQ(OnChannel("/deleteSignalingChannel", arn), 200);
  EXPECT_EQ(OnChannel("/describeSignalingChannel", arn), 404);
  EXPECT_EQ(error_, "ResourceNotFoundException");
  clock_.Advance(std::chrono::milliseconds(1));
  const std::string again = Create("door");
  EXPECT_NE(again, arn);
  EXPECT_EQ(OnChannel("/deleteSignalingChannel", arn), 404) << "an ARN names one life";
  EXPECT_EQ(OnChannel("/describeSignalingChannel", again), 200);
}

TEST_F(ChannelTest, WrongChannelsAreRefused) {
  for (const char* more :
       {R"(,"ChannelType":"FULL_MESH")", R"(,"ChannelType":"MESH")",
        R"(,"SingleMasterConfiguration":{"MessageTtlSeconds":4})",
        R"(,"SingleMasterConfiguration":{"MessageTtlSeconds":121})", R"(,"Tags":[{"Key":"a"}])"}) {
    EXPECT_EQ(Ask("/createSignalingChannel", fmt::format(R"({{"ChannelName":"a"{}}})", more)), 400)
        << more;
    EXPECT_EQ(error_, "InvalidArgumentException") << more;
  }
  EXPECT_EQ(Ask("/describeSignalingChannel", "{}"), 400);
  EXPECT_EQ(Ask("/describeSignalingChannel", R"({"ChannelName":"none"})"), 404);
  const std::string stream = CreateStream("door");
  EXPECT_EQ(OnChannel("/describeSignalingChannel", stream), 400) << "the ARN of a stream";
  EXPECT_EQ(error_, "InvalidArgumentException");
  EXPECT_EQ(Ask("/describeStream", R"({"StreamARN":")" + Create("door") + "\"}"), 400);
  EXPECT_EQ(error_, "InvalidArgumentException");
}

TEST_F(ChannelTest, ChannelsHaveTagsOfTheirOwn) {
  CreateStream("door");
  const std::string arn =
      R"({"ResourceARN":")" + Create("door", R"(,"Tags":[{"Key":"a","Value":"1"}])") + "\"";
  const auto version = [&] {
    Ask("/describeSignalingChannel", R"({"ChannelName":"door"})");
    return std::string(json_["ChannelInfo"]["Version"].AsString());
  };
  const std::string before = version();
  EXPECT_EQ(Ask("/TagResource", arn + R"(,"Tags":[{"Key":"b","Value":"2"}]})"), 200);
  EXPECT_EQ(Ask("/UntagResource", arn + R"(,"TagKeyList":["a"]})"), 200);
  EXPECT_EQ(Ask("/ListTagsForResource", arn + "}"), 200);
  EXPECT_EQ(json_["Tags"].Dump(), R"({"b":"2"})");
  EXPECT_EQ(version(), before);
  EXPECT_EQ(Ask("/listTagsForStream", R"({"StreamName":"door"})"), 200);
  EXPECT_EQ(json_["Tags"].Dump(), "{}");
}

TEST_F(ChannelTest, ChannelsAreListedByPagesAndBeginnings) {
  for (const char* name : {"a1", "a2", "a3", "b1"}) Create(name);
  const auto names = [&] {
    std::vector<std::string> out;
    for (const Json& info : json_["ChannelInfoList"].array())
      out.emplace_back(info["ChannelName"].AsString());
    return out;
  };
  EXPECT_EQ(Ask("/listSignalingChannels", ""), 200);
  EXPECT_THAT(names(), ElementsAre("a1", "a2", "a3", "b1"));
  const std::string condition =
      R"("ChannelNameCondition":{"ComparisonOperator":"BEGINS_WITH","ComparisonValue":"a"})";
  EXPECT_EQ(Ask("/listSignalingChannels", R"({"MaxResults":2,)" + condition + "}"), 200);
  EXPECT_THAT(names(), ElementsAre("a1", "a2"));
  const std::string token(json_["NextToken"].AsString());
  EXPECT_EQ(Ask("/listSignalingChannels", R"({"NextToken":")" + token + "\"," + condition + "}"),
            200);
  EXPECT_THAT(names(), ElementsAre("a3"));
  EXPECT_TRUE(json_["NextToken"].is_null());
  EXPECT_EQ(Ask("/listSignalingChannels", R"({"NextToken":"Zm9yZWlnbg=="})"), 400);
}

TEST_F(ChannelTest, EndpointsAreOursInTheSchemesThatWereAskedFor) {
  const std::string arn = Create("door");
  const auto endpoints = [&](std::string_view protocols) {
    const std::string more =
        protocols.empty()
            ? ""
            : fmt::format(R"(,"SingleMasterChannelEndpointConfiguration":{{"Protocols":{},)"
                          R"("Role":"VIEWER"}})",
                          protocols);
    const int status = OnChannel("/getSignalingChannelEndpoint", arn, more);
    std::string out = status == 200 ? "" : error_;
    for (const Json& item : json_["ResourceEndpointList"].array()) {
      out +=
          fmt::format("{}={} ", item["Protocol"].AsString(), item["ResourceEndpoint"].AsString());
    }
    return out;
  };
  EXPECT_EQ(endpoints(""), "WSS=ws://localhost:8080 HTTPS=http://localhost:8080 ");
  aws_.public_url = "https://video.example.org/";
  EXPECT_EQ(endpoints(R"(["HTTPS","WSS","HTTPS"])"),
            "HTTPS=https://video.example.org WSS=wss://video.example.org ");
  EXPECT_EQ(endpoints(R"(["WEBRTC"])"), "InvalidArgumentException");
  EXPECT_EQ(Store(arn, CreateStream("yard")), 200);
  EXPECT_EQ(endpoints(R"(["WEBRTC"])"), "WEBRTC=https://video.example.org ");
  EXPECT_EQ(endpoints(R"(["FTP"])"), "InvalidArgumentException");
}

TEST_F(ChannelTest, MediaOfOneChannelIsStoredInOneStream) {
  const std::string door = Create("door");
  const std::string gate = Create("gate");
  const std::string yard = CreateStream("yard");
  const std::string hall = CreateStream("hall");
  EXPECT_EQ(Storage(door)["Status"].AsString(), "DISABLED");
  EXPECT_TRUE(Storage(door)["StreamARN"].is_null());
  EXPECT_THAT(Mapped(yard), ElementsAre());
  EXPECT_EQ(Store(door, yard), 200);
  EXPECT_EQ(Storage(door)["Status"].AsString(), "ENABLED");
  EXPECT_EQ(Storage(door)["StreamARN"].AsString(), yard);
  EXPECT_THAT(Mapped(yard), ElementsAre(door));
  EXPECT_EQ(Store(gate, yard), 400) << "it is taken";
  EXPECT_EQ(error_, "ResourceInUseException");
  EXPECT_EQ(Store(door, yard), 200) << "by itself it may be taken again";
  EXPECT_THAT(Mapped(yard), ElementsAre(door));
  EXPECT_EQ(Store(door, hall), 200);
  EXPECT_THAT(Mapped(yard), ElementsAre());
  EXPECT_THAT(Mapped(hall), ElementsAre(door));
  EXPECT_EQ(Store(gate, yard), 200);
  EXPECT_EQ(Store(door, "", "DISABLED"), 200);
  EXPECT_EQ(Storage(door)["Status"].AsString(), "DISABLED");
  EXPECT_THAT(Mapped(hall), ElementsAre());

  EXPECT_EQ(Store(door, ""), 400);
  EXPECT_EQ(error_, "InvalidArgumentException");
  EXPECT_EQ(Store(door, CreateStream("live", 0)), 400);
  EXPECT_EQ(error_, "NoDataRetentionException");
  EXPECT_EQ(Store(door, yard.substr(0, yard.size() - 1)), 404);
  EXPECT_EQ(error_, "ResourceNotFoundException");
  EXPECT_EQ(Store(door, gate), 400) << "no stream";
}

TEST_F(ChannelTest, WhatIsDeletedIsStoredNoLonger) {
  const std::string door = Create("door");
  const std::string gate = Create("gate");
  const std::string yard = CreateStream("yard");
  EXPECT_EQ(Store(door, yard), 200);
  EXPECT_EQ(OnChannel("/deleteSignalingChannel", door), 200);
  EXPECT_THAT(Mapped(yard), ElementsAre());
  EXPECT_EQ(Store(gate, yard), 200);
  EXPECT_EQ(Ask("/deleteStream", R"({"StreamARN":")" + yard + "\"}"), 200);
  EXPECT_EQ(Storage(gate)["Status"].AsString(), "DISABLED");
  EXPECT_TRUE(Storage(gate)["StreamARN"].is_null());
  EXPECT_EQ(store_.catalog().Scan("video", "", 10).size(), 1u) << "the channel that is left";
  clock_.Advance(std::chrono::milliseconds(1));
  EXPECT_THAT(Mapped(CreateStream("yard")), ElementsAre());
}

TEST_F(ChannelTest, ThereAreAsManyChannelsAsAreAllowed) {
  auto& catalog = store_.catalog();
  for (size_t i = 0; i < video::kChannelsMax; ++i) {
    std::vector<store::CatalogWrite> writes(1);
    writes[0].key = fmt::format("video-channel/{}", i);
    writes[0].value = Bytes::Copy("{}");
    EXPECT_TRUE(SyncWait(catalog.Txn({}, std::move(writes), "")).ok());
  }
  EXPECT_EQ(Ask("/createSignalingChannel", R"({"ChannelName":"more"})"), 400);
  EXPECT_EQ(error_, "AccountChannelLimitExceededException");
}

}  // namespace
}  // namespace penstock::server::aws
