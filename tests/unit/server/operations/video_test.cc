// The operations of the video services as a client sees them, without a socket and without a
// signature (over loopback). Signed requests of real clients are in tests/e2e.
#include "base/byte_io.h"
#include "fragmenter/media.h"
#include "server/operations/page_token.h"
#include "server/operations/video/data_endpoint.h"
#include "server/operations/video/media_document.h"
#include "tests/unit/server/operations/aws_fixture.h"

namespace penstock::server::aws {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class VideoTest : public AwsTest {
 protected:
  std::string Payload(std::string path, std::string body) {
    net::HttpResponse response = Send(std::move(path), std::move(body));
    EXPECT_EQ(response.status, 200) << BodyOf(response);
    EXPECT_EQ(response.headers.Get("Content-Type"), "video/webm");
    const auto out = std::make_shared<CollectedBody>();
    SyncWaitOk(response.stream(out));
    return out->text;
  }
  static void SyncWaitOk(Task<Status> task) {
    const Status status = SyncWait(std::move(task));
    EXPECT_TRUE(status.ok()) << status.error().ToString();
  }
  void AddFragment(std::string_view stream, int64_t server_ms) {
    store::ItemHeader item;
    item.server_time = ServerTimeFromMs(server_ms);
    item.producer_time = ProducerTimeFromUs((server_ms - 7) * 1000);
    item.duration = std::chrono::seconds(2);
    item.track_set = 1;
    store_.Shard(stream).Add(item, Bytes::Copy("<" + std::to_string(server_ms) + ">"));
  }
};

TEST_F(VideoTest, AStreamIsMadeDescribedAndUsableAtOnce) {
  EXPECT_EQ(Ask("/createStream",
                R"({"StreamName":"door","DataRetentionInHours":2,"MediaType":"video/h264",
                    "DeviceName":"cam","Tags":{"site":"north"}})"),
            200);
  EXPECT_EQ(json_["StreamARN"].AsString(),
            "arn:aws:kinesisvideo:us-east-1:000000000000:stream/door/1768478400123");
  EXPECT_EQ(request_id_.size(), 36u);
  EXPECT_EQ(Ask("/describeStream", R"({"StreamName":"door"})"), 200);
  const Json& info = json_["StreamInfo"];
  EXPECT_EQ(info["Status"].AsString(), "ACTIVE");
  EXPECT_EQ(info["DataRetentionInHours"].AsInt(), 2);
  EXPECT_EQ(info["MediaType"].AsString(), "video/h264");
  EXPECT_EQ(info["DeviceName"].AsString(), "cam");
  EXPECT_DOUBLE_EQ(info["CreationTime"].AsDouble(), 1768478400.123);
  EXPECT_EQ(info["Version"].AsString().size(), 20u);
  EXPECT_EQ(Ask("/getDataEndpoint", R"({"StreamName":"door","APIName":"PUT_MEDIA"})"), 200);
  EXPECT_EQ(json_["DataEndpoint"].AsString(), "http://localhost:8080");
  EXPECT_EQ(Ask("/createStream", R"({"StreamName":"door"})"), 400);
  EXPECT_EQ(error_, "ResourceInUseException");
  EXPECT_EQ(Ask("/createStream", R"({"StreamName":"live"})"), 200);
  EXPECT_EQ(store_.GetStream(*StreamName::Parse("live"))->retention_hours, 0u);
}

TEST_F(VideoTest, ErrorsHaveTheServicesNamesAndStatuses) {
  EXPECT_EQ(Ask("/describeStream", R"({"StreamName":"none"})"), 404);
  EXPECT_EQ(error_, "ResourceNotFoundException");
  EXPECT_EQ(Ask("/describeStream", ""), 400) << "an absent body is an empty object";
  EXPECT_EQ(error_, "InvalidArgumentException");
  EXPECT_EQ(Ask("/describeStream", "{"), 400);
  EXPECT_EQ(error_, "SerializationException");
  EXPECT_EQ(Ask("/createStream", R"({"StreamName":"a b"})"), 400);
  EXPECT_EQ(error_, "InvalidArgumentException");
  EXPECT_THAT(Message(), StartsWith("1 validation error detected: Value 'a b' at 'streamName'"));
  EXPECT_EQ(Ask("/createStream", R"({"StreamName":"a","DataRetentionInHours":87601})"), 400);
  EXPECT_EQ(error_, "InvalidArgumentException");
  std::string tags;
  for (int i = 0; i < 51; ++i) tags += (i ? ",\"t" : "\"t") + std::to_string(i) + "\":\"v\"";
  EXPECT_EQ(Ask("/createStream", R"({"StreamName":"a","Tags":{)" + tags + "}}"), 400);
  EXPECT_EQ(error_, "TagsPerResourceExceededLimitException");
  EXPECT_EQ(Ask("/createStream",
                R"({"StreamName":"a","DeviceName":")" + std::string(300 * 1024, 'x') + R"("})"),
            413);
}

TEST_F(VideoTest, AnArnNamesOneLifeOfAStream) {
  Ask("/createStream", R"({"StreamName":"door"})");
  const std::string first = Arn("door");
  EXPECT_EQ(Ask("/describeStream", R"({"StreamARN":")" + first + R"("})"), 200);
  EXPECT_EQ(Ask("/describeStream", R"({"StreamName":"yard","StreamARN":")" + first + R"("})"), 400);
  EXPECT_EQ(error_, "InvalidArgumentException");
  EXPECT_EQ(Ask("/deleteStream", R"({"StreamARN":")" + first + R"("})"), 200);
  clock_.Advance(std::chrono::milliseconds(1));
  Ask("/createStream", R"({"StreamName":"door"})");
  EXPECT_EQ(Ask("/describeStream", R"({"StreamARN":")" + first + R"("})"), 404);
  EXPECT_EQ(Ask("/deleteStream", R"({"StreamARN":")" + first + R"("})"), 404);
  EXPECT_NE(Arn("door"), first);
}

TEST_F(VideoTest, WhatWasSaidOfADeletedStreamIsForgotten) {
  Ask("/createStream", R"({"StreamName":"door","MediaType":"video/h264"})");
  EXPECT_EQ(store_.catalog().Scan("video/", "", 10).size(), 1u);
  Ask("/deleteStream", R"({"StreamARN":")" + Arn("door") + R"("})");
  EXPECT_EQ(store_.catalog().Scan("video/", "", 10).size(), 0u);
}

TEST_F(VideoTest, RetentionChangesByHoursAndOnlyFromTheVersionThatWasSeen) {
  Ask("/createStream", R"({"StreamName":"door","DataRetentionInHours":5})");
  Ask("/describeStream", R"({"StreamName":"door"})");
  const std::string version(json_["StreamInfo"]["Version"].AsString());
  const auto change = [&](std::string_view v, std::string_view way, int hours) {
    return Ask("/updateDataRetention",
               R"({"StreamName":"door","CurrentVersion":")" + std::string(v) +
                   R"(","Operation":")" + std::string(way) + R"(_DATA_RETENTION",)" +
                   R"("DataRetentionChangeInHours":)" + std::to_string(hours) + "}");
  };
  EXPECT_EQ(change("abc", "INCREASE", 1), 400);
  EXPECT_EQ(error_, "VersionMismatchException");
  EXPECT_EQ(change(version, "DECREASE", 6), 400);
  EXPECT_EQ(error_, "InvalidArgumentException");
  EXPECT_EQ(change(version, "INCREASE", 87'596), 400);
  EXPECT_EQ(change(version, "INCREASE", 0), 400);
  EXPECT_EQ(change(version, "DECREASE", 3), 200);
  EXPECT_EQ(store_.GetStream(*StreamName::Parse("door"))->retention_hours, 2u);
  EXPECT_EQ(change(version, "INCREASE", 1), 400) << "it has another version now";
  EXPECT_EQ(error_, "VersionMismatchException");
}

TEST_F(VideoTest, StreamsAreListedByPagesAndBeginnings) {
  for (const char* name : {"a1", "a2", "a3", "b1"})
    Ask("/createStream", R"({"StreamName":")" + std::string(name) + R"("})");
  EXPECT_EQ(Ask("/listStreams", "{}"), 200);
  EXPECT_EQ(json_["StreamInfoList"].array().size(), 4u);
  EXPECT_TRUE(json_["NextToken"].is_null());
  const std::string condition =
      R"("StreamNameCondition":{"ComparisonOperator":"BEGINS_WITH","ComparisonValue":"a"})";
  EXPECT_EQ(Ask("/listStreams", R"({"MaxResults":2,)" + condition + "}"), 200);
  ASSERT_EQ(json_["StreamInfoList"].array().size(), 2u);
  const std::string token(json_["NextToken"].AsString());
  EXPECT_EQ(
      Ask("/listStreams", R"({"MaxResults":2,"NextToken":")" + token + "\"," + condition + "}"),
      200);
  ASSERT_EQ(json_["StreamInfoList"].array().size(), 1u);
  EXPECT_EQ(json_["StreamInfoList"].array()[0]["StreamName"].AsString(), "a3");
  EXPECT_TRUE(json_["NextToken"].is_null());
  EXPECT_EQ(Ask("/listStreams", R"({"NextToken":"Zm9yZWlnbg=="})"), 400);
  EXPECT_EQ(error_, "InvalidArgumentException");
}

TEST_F(VideoTest, FragmentsOfARangeComeInPagesThatNeedOnlyTheirToken) {
  Ask("/createStream", R"({"StreamName":"door","DataRetentionInHours":1})");
  for (int64_t i = 0; i < 5; ++i) AddFragment("door", 1'000'000 + i * 2000);
  EXPECT_EQ(Ask("/listFragments",
                R"({"StreamName":"door","MaxResults":2,"FragmentSelector":{"FragmentSelectorType":
                    "SERVER_TIMESTAMP","TimestampRange":{"StartTimestamp":1002,
                    "EndTimestamp":1006}}})"),
            200);
  ASSERT_EQ(json_["Fragments"].array().size(), 2u);
  const Json first = json_["Fragments"].array()[0];
  EXPECT_EQ(first["FragmentNumber"].AsString().size(), 47u);
  EXPECT_DOUBLE_EQ(first["ServerTimestamp"].AsDouble(), 1002.0);
  EXPECT_DOUBLE_EQ(first["ProducerTimestamp"].AsDouble(), 1001.993);
  EXPECT_EQ(first["FragmentLengthInMilliseconds"].AsInt(), 2000);
  EXPECT_EQ(first["FragmentSizeInBytes"].AsInt(), 9);
  const std::string token(json_["NextToken"].AsString());
  EXPECT_EQ(Ask("/listFragments", R"({"StreamName":"door","NextToken":")" + token + R"("})"), 200);
  ASSERT_EQ(json_["Fragments"].array().size(), 1u);
  EXPECT_DOUBLE_EQ(json_["Fragments"].array()[0]["ServerTimestamp"].AsDouble(), 1006.0);
  EXPECT_TRUE(json_["NextToken"].is_null());

  // boto3's paginator repeats the selector with the token.
  EXPECT_EQ(
      Ask("/listFragments", R"({"StreamName":"door","FragmentSelector":{"FragmentSelectorType":
                    "SERVER_TIMESTAMP","TimestampRange":{"StartTimestamp":1002,
                    "EndTimestamp":1006}},"NextToken":")" +
                                token + R"("})"),
      200);
  EXPECT_EQ(json_["Fragments"].array().size(), 1u);

  Ask("/createStream", R"({"StreamName":"yard","DataRetentionInHours":1})");
  EXPECT_EQ(Ask("/listFragments", R"({"StreamName":"yard","NextToken":")" + token + R"("})"), 400)
      << "a token is of one stream";
  EXPECT_EQ(Ask("/listFragments", R"({"StreamName":"door"})"), 400);
  EXPECT_EQ(error_, "InvalidArgumentException");
}

TEST_F(VideoTest, EachFragmentIsADocumentWithItsTagsAroundTheStoredBytes) {
  Ask("/createStream", R"({"StreamName":"door","DataRetentionInHours":1})");
  AddFragment("door", 1'768'478'398'000);
  AddFragment("door", 1'768'478'400'000);
  const std::string payload = Payload(
      "/getMedia", R"({"StreamName":"door","StartSelector":{"StartSelectorType":"EARLIEST"}})");
  const std::string second = payload.substr(payload.find("<header 1>", 1));
  EXPECT_THAT(payload, StartsWith("<header 1>\x12\x54\xc3\x67"));
  EXPECT_THAT(payload, AllOf(HasSubstr("<1768478398000>"), HasSubstr("1768478397.993"),
                             HasSubstr("1768478398.000")));
  EXPECT_LT(second.find("SERVER_TIMESTAMP"), second.find("<1768478400000>"));
  EXPECT_LT(second.find("<1768478400000>"), second.find("MILLIS_BEHIND_NOW"));
  EXPECT_THAT(second.substr(second.find("MILLIS_BEHIND_NOW")), HasSubstr("123"));
}

TEST_F(VideoTest, TheContinuationTokenLeadsToTheFragmentBehindIt) {
  Ask("/createStream", R"({"StreamName":"door","DataRetentionInHours":1})");
  for (int64_t i = 0; i < 3; ++i) AddFragment("door", 1'000'000 + i * 2000);
  FragmentNumber number;
  number.index = 1;
  number.server_ms = 1'000'000;
  for (const std::string_view selector :
       {R"("StartSelectorType":"CONTINUATION_TOKEN","ContinuationToken":")",
        R"("StartSelectorType":"FRAGMENT_NUMBER","AfterFragmentNumber":")"}) {
    const std::string payload =
        Payload("/getMedia", R"({"StreamName":"door","StartSelector":{)" + std::string(selector) +
                                 number.ToString() + R"("}})");
    EXPECT_THAT(payload,
                AllOf(Not(HasSubstr("<1000000>")), HasSubstr("<1002000>"), HasSubstr("<1004000>")));
  }
  EXPECT_THAT(Payload("/getMedia",
                      R"({"StreamName":"door","StartSelector":{"StartSelectorType":
                          "SERVER_TIMESTAMP","StartTimestamp":1003.5}})"),
              AllOf(Not(HasSubstr("<1000000>")), HasSubstr("<1002000>")));
  for (const std::string_view bad :
       {R"("StartSelectorType":"CONTINUATION_TOKEN")",
        R"("StartSelectorType":"CONTINUATION_TOKEN","ContinuationToken":"x")",
        R"("StartSelectorType":"FRAGMENT_NUMBER","AfterFragmentNumber":"12")",
        R"("StartSelectorType":"SERVER_TIMESTAMP")", R"("StartSelectorType":"SOON")"}) {
    EXPECT_EQ(
        Ask("/getMedia", R"({"StreamName":"door","StartSelector":{)" + std::string(bad) + "}}"),
        400)
        << bad;
    EXPECT_EQ(error_, "InvalidArgumentException") << bad;
  }
}

TEST_F(VideoTest, AFragmentThatCannotBeReadIsLeftOutOfAReadingThatGoesOn) {
  Ask("/createStream", R"({"StreamName":"door","DataRetentionInHours":1})");
  for (int64_t i = 0; i < 3; ++i) AddFragment("door", 1'000'000 + i * 2000);
  store_.Shard("door").unreadable = 1;
  EXPECT_THAT(Payload("/getMedia",
                      R"({"StreamName":"door","StartSelector":{"StartSelectorType":"EARLIEST"}})"),
              AllOf(HasSubstr("<1000000>"), Not(HasSubstr("<1002000>")), HasSubstr("<1004000>")));
}

// Of six fragments 1 and 2 are held, and 4 and 5 are young.
class VideoOfHoldsTest : public VideoTest {
 protected:
  VideoOfHoldsTest() {
    Ask("/createStream", R"({"StreamName":"door","DataRetentionInHours":1})");
    for (int64_t i = 0; i < 6; ++i) AddFragment("door", 1'000'000 + i * 2000);
    store_.Shard("door").Expire(4);
    store_.Shard("door").Hold(1, 3);
  }
  std::vector<double> Listed() const {
    std::vector<double> out;
    for (const Json& fragment : json_["Fragments"].array())
      out.push_back(fragment["ServerTimestamp"].AsDouble());
    return out;
  }
};

TEST_F(VideoOfHoldsTest, AReadingFromTheEarliestBeginsWithWhatIsHeldAndGoesOnBehindIt) {
  for (const bool overtaken : {false, true}) {
    store_.Shard("door").overtake_behind_held = overtaken;
    const std::string payload = Payload(
        "/getMedia", R"({"StreamName":"door","StartSelector":{"StartSelectorType":"EARLIEST"}})");
    size_t at = 0;
    for (const char* there : {"<1002000>", "<1004000>", "<1008000>", "<1010000>"}) {
      const size_t found = payload.find(there, at);
      ASSERT_NE(found, std::string::npos) << there << overtaken;
      EXPECT_EQ(payload.find(there, found + 1), std::string::npos) << there << " twice";
      at = found;
    }
    EXPECT_THAT(payload, AllOf(Not(HasSubstr("<1000000>")), Not(HasSubstr("<1006000>"))));
  }
}

TEST_F(VideoOfHoldsTest, AListHasWhatIsHeldInEachOfItsPages) {
  EXPECT_EQ(Ask("/listFragments",
                R"({"StreamName":"door","MaxResults":3,"FragmentSelector":{"FragmentSelectorType":
                    "SERVER_TIMESTAMP","TimestampRange":{"StartTimestamp":1000,
                    "EndTimestamp":1010}}})"),
            200);
  EXPECT_THAT(Listed(), testing::ElementsAre(1002, 1004, 1008));
  const std::string token(json_["NextToken"].AsString());
  EXPECT_EQ(Ask("/listFragments", R"({"StreamName":"door","NextToken":")" + token + R"("})"), 200);
  EXPECT_THAT(Listed(), testing::ElementsAre(1010));
}

TEST_F(VideoOfHoldsTest, AStreamWithAHoldIsNotDeletedAndNoOtherVersionHelps) {
  const StreamName door = *StreamName::Parse("door");
  const auto hold = SyncWait(
      store_.AddHold({door, ServerTimeFromMs(1'002'000), ServerTimeFromMs(1'004'000), ""}));
  ASSERT_TRUE(hold.ok());
  const std::string body = R"({"StreamARN":")" + Arn("door") + R"("})";
  EXPECT_EQ(Ask("/deleteStream", body), 400);
  EXPECT_EQ(error_, "ResourceInUseException");
  EXPECT_THAT(Message(), HasSubstr("holds"));
  ASSERT_TRUE(SyncWait(store_.ReleaseHold(hold->id)).ok());
  EXPECT_EQ(Ask("/deleteStream", body), 200);
}

TEST_F(VideoTest, AListOfFragmentsIsSentInItsOrderAndEndsWithOneThatIsMissing) {
  Ask("/createStream", R"({"StreamName":"door","DataRetentionInHours":1})");
  AddFragment("door", 1'000'000);
  AddFragment("door", 1'002'000);
  const auto number = [](uint64_t index, int64_t ms) {
    FragmentNumber out;
    out.index = index;
    out.server_ms = ms;
    return out.ToString();
  };
  const auto ask = [&](std::vector<std::string> numbers) {
    std::string list;
    for (const std::string& text : numbers) list += (list.empty() ? "\"" : ",\"") + text + "\"";
    return R"({"StreamName":"door","Fragments":[)" + list + "]}";
  };
  std::string payload =
      Payload("/getMediaForFragmentList", ask({number(2, 1'002'000), number(1, 1'000'000)}));
  EXPECT_LT(payload.find("<1002000>"), payload.find("<1000000>"));
  EXPECT_THAT(payload, Not(HasSubstr("MILLIS_BEHIND_NOW")));
  payload = Payload("/getMediaForFragmentList",
                    ask({number(1, 1'000'000), number(1, 999), number(2, 1'002'000)}));
  EXPECT_THAT(payload, AllOf(HasSubstr("<1000000>"), HasSubstr("FRAGMENT_NOT_FOUND"),
                             HasSubstr(number(1, 999)), Not(HasSubstr("<1002000>"))));
  EXPECT_EQ(Ask("/getMediaForFragmentList", ask({number(1, 1'000'000), "17"})), 400);
  EXPECT_EQ(error_, "InvalidArgumentException");
  EXPECT_THAT(Message(), StartsWith("Fragment numbers are invalid :"));
}

TEST_F(VideoTest, ReadersOfOneStreamAreLimitedAndALeavingOneMakesRoom) {
  Ask("/createStream", R"({"StreamName":"door","DataRetentionInHours":1})");
  const std::string body =
      R"({"StreamName":"door","StartSelector":{"StartSelectorType":"EARLIEST"}})";
  std::vector<net::HttpResponse> readers;
  for (size_t i = 0; i < limits::kMediaReadersPerStreamMax; ++i)
    readers.push_back(Send("/getMedia", body));
  EXPECT_EQ(readers.back().status, 200);
  EXPECT_EQ(Ask("/getMedia", body), 400);
  EXPECT_EQ(error_, "ConnectionLimitExceededException");
  readers.pop_back();
  EXPECT_EQ(Send("/getMedia", body).status, 200);
}

TEST_F(VideoTest, WhoIsNotTrustedHasToSign) {
  net::HttpResponse response = Send("/listStreams", "{}", "192.0.2.7");
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.headers.Get("x-amzn-ErrorType"), "MissingAuthenticationTokenException");
  EXPECT_THAT(BodyOf(response), HasSubstr(R"("message":)"));
}

TEST_F(VideoTest, EndpointsAreWhatClientsCanReach) {
  using video::DataEndpoint;
  EXPECT_EQ(DataEndpoint("", "10.0.0.1:9", 8080), "http://10.0.0.1:9");
  EXPECT_EQ(DataEndpoint("", "cam.example", 8080), "http://cam.example:8080");
  EXPECT_EQ(DataEndpoint("", "[::1]", 8080), "http://[::1]:8080");
  EXPECT_EQ(DataEndpoint("", "cam.example", 80), "http://cam.example");
  EXPECT_EQ(DataEndpoint("", "a/b", 8080), "http://localhost:8080");
  EXPECT_EQ(DataEndpoint("https://v.example/", "x", 8080), "https://v.example");
  EXPECT_EQ(DataEndpoint("", "10.0.0.1:9", 8443, true), "https://10.0.0.1:9");
  EXPECT_EQ(DataEndpoint("", "cam.example", 8443, true), "https://cam.example:8443");
  EXPECT_EQ(DataEndpoint("", "cam.example", 443, true), "https://cam.example");
  EXPECT_EQ(DataEndpoint("http://v.example", "x", 8443, true), "http://v.example");
}

TEST_F(VideoTest, AnEndpointHasTlsWhereItWasAskedForByTls) {
  aws_.http_port = 8080;
  aws_.https_port = 8443;
  EXPECT_EQ(video::DataEndpoint(aws_, "cam.example", false), "http://cam.example:8080");
  EXPECT_EQ(video::DataEndpoint(aws_, "cam.example", true), "https://cam.example:8443");
  aws_.http_port = 0;
  EXPECT_EQ(video::DataEndpoint(aws_, "cam.example", false), "https://cam.example:8443");
  Ask("/createStream", R"({"StreamName":"door","DataRetentionInHours":1})");
  net::HttpRequest request;
  request.method = "POST";
  request.target = request.path = "/getDataEndpoint";
  request.peer.address = "127.0.0.1";
  request.over_tls = true;
  request.headers.Add("Host", "localhost:9443");
  request.body = std::make_shared<TextBody>(
      R"({"StreamName":"door","APIName":"GET_HLS_STREAMING_SESSION_URL"})");
  const net::HttpResponse response = SyncWait(front_->Handle(std::move(request)));
  EXPECT_THAT(BodyOf(response), HasSubstr("\"https://localhost:9443\""));
}

TEST_F(VideoTest, TokensOfOtherListsAreRefused) {
  const std::string token = MakePageToken("a", std::vector<std::string>{"1", "x y"});
  EXPECT_EQ(ReadPageToken(token, "a", 2).value()[1], "x y");
  EXPECT_FALSE(ReadPageToken(token, "b", 2).ok());
  EXPECT_FALSE(ReadPageToken(token, "a", 1).ok());
  EXPECT_FALSE(ReadPageToken("", "a", 2).ok());
  EXPECT_FALSE(ReadPageToken("!", "a", 2).ok());
}

TEST_F(VideoTest, AnErrorDocumentHasAHeaderAndItsTags) {
  const Bytes document = video::ErrorDocument(video::kFragmentNotFound, std::string(47, '9'));
  EXPECT_EQ(document.span()[0], 0x1a);
  EXPECT_THAT(std::string(document.text()),
              AllOf(HasSubstr("FRAGMENT_NOT_FOUND"), HasSubstr("3000"), HasSubstr("9999")));
}

}  // namespace
}  // namespace penstock::server::aws
