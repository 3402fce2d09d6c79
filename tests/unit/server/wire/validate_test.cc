#include "server/wire/validate.h"

#include "server/wire/patterns.h"
#include "server/wire/timestamp.h"

namespace penstock::server::wire {
namespace {

constexpr Shape kNameShape{.min = 1, .max = 5, .pattern = &kName};
constexpr std::string_view kColours[] = {"RED", "BLUE"};
constexpr Shape kColour{.values = kColours};
constexpr Shape kCount{.kind = Kind::kInteger, .min = 1, .max = 10};
constexpr Shape kWhen{.kind = Kind::kTimestamp};
constexpr Shape kNames{.kind = Kind::kList, .min = 1, .max = 2, .element = &kNameShape};
constexpr Shape kLabels{
    .kind = Kind::kMap, .min = 1, .max = 2, .element = &kColour, .key = &kNameShape};
constexpr Member kInnerMembers[] = {{"When", &kWhen, true}};
constexpr Shape kInner{.kind = Kind::kStructure, .members = kInnerMembers};
constexpr Member kMembers[] = {
    {"StreamName", &kNameShape, true},
    {"Colour", &kColour},
    {"Count", &kCount},
    {"Names", &kNames},
    {"Labels", &kLabels},
    {"Inner", &kInner},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

// "" if it is valid.
std::string Says(std::string_view text) {
  const Status status = Validate(kInput, *Json::Parse(text));
  return status.ok() ? "" : status.error().ToString();
}

TEST(ValidateTest, WhatKeepsTheRulesPassesAndUnknownMembersAreIgnored) {
  EXPECT_EQ(Says(R"({"StreamName":"a.b-c","Colour":"RED","Count":10,"Names":["a"],
                     "Labels":{"x":"BLUE"},"Inner":{"When":1.5},"Else":[null]})"),
            "");
  EXPECT_EQ(Says(R"({"StreamName":"a","Colour":null,"Inner":null})"), "") << "null is absent";
}

TEST(ValidateTest, EveryViolationIsNamedWithItsPathAndRule) {
  EXPECT_EQ(Says("{}"),
            "InvalidArgument: 1 validation error detected: Value null at 'streamName' failed to "
            "satisfy constraint: Member must not be null");
  EXPECT_EQ(Says(R"({"StreamName":"a b c d","Count":0})"),
            "InvalidArgument: 3 validation errors detected: Value 'a b c d' at 'streamName' failed "
            "to satisfy constraint: Member must have length less than or equal to 5; Value 'a b c "
            "d' at 'streamName' failed to satisfy constraint: Member must satisfy regular "
            "expression pattern: [a-zA-Z0-9_.-]+; Value '0' at 'count' failed to satisfy "
            "constraint: Member must have value greater than or equal to 1");
  EXPECT_EQ(Says(R"({"StreamName":"a","Colour":"GREEN"})"),
            "InvalidArgument: 1 validation error detected: Value 'GREEN' at 'colour' failed to "
            "satisfy constraint: Member must satisfy enum value set: [RED, BLUE]");
  EXPECT_EQ(Says(R"({"StreamName":"a","Names":["a","?"]})"),
            "InvalidArgument: 1 validation error detected: Value '?' at 'names.2.member' failed to "
            "satisfy constraint: Member must satisfy regular expression pattern: "
            "[a-zA-Z0-9_.-]+");
  EXPECT_THAT(Says(R"({"StreamName":"a","Inner":{}})"), testing::HasSubstr("'inner.when'"));
  EXPECT_THAT(Says(R"({"StreamName":"a","Names":[]})"),
              testing::HasSubstr("length greater than or equal to 1"));
  EXPECT_THAT(Says(R"({"StreamName":"a","Labels":{"?":"RED"}})"), testing::HasSubstr("'labels'"));
}

TEST(ValidateTest, AnotherKindOfValueIsAnErrorOfItsOwn) {
  for (const char* text :
       {R"({"StreamName":1})", R"({"StreamName":"a","Count":"1"})",
        R"({"StreamName":"a","Count":1.5})", R"({"StreamName":"a","Names":"a"})",
        R"({"StreamName":"a","Names":[1]})", R"({"StreamName":"a","Names":[null]})",
        R"({"StreamName":"a","Labels":["x"]})", R"({"StreamName":"a","Inner":{"When":true}})"}) {
    EXPECT_THAT(Says(text), testing::StartsWith("Protocol: ")) << text;
  }
}

TEST(ValidateTest, AtMostTenViolationsAndShortQuotesComeBack) {
  std::string long_name(100'000, 'x');
  const std::string said = Says(R"({"StreamName":")" + long_name + R"("})");
  EXPECT_LT(said.size(), 1000u);
  EXPECT_THAT(said, testing::HasSubstr("...'"));
}

TEST(ValidateTest, LengthIsCountedInUtf16Units) {
  EXPECT_EQ(TextLength("abc"), 3);
  EXPECT_EQ(TextLength("\xc3\xa4"), 1);
  EXPECT_EQ(TextLength("\xf0\x9f\x8e\xa5"), 2);
}

TEST(ValidateTest, TheKnownPartIsWhatTheShapeNames) {
  const Json input = *Json::Parse(
      R"({"Else":[1],"StreamName":"a","Colour":null,"Names":["b","c"],"Labels":{"x":"RED"},
          "Inner":{"When":2,"More":{"Deep":1}}})");
  EXPECT_EQ(KnownPart(kInput, input).Dump(),
            R"({"StreamName":"a","Names":["b","c"],"Labels":{"x":"RED"},"Inner":{"When":2}})");
  EXPECT_TRUE(KnownPart(kInput, Json()).is_null());
}

TEST(TimestampTest, NumbersAndTextAreUnderstoodAndNothingElse) {
  const auto us = [](std::string_view json) {
    const auto time = ParseTimestamp(*Json::Parse(json));
    return time.ok() ? *time : -1;
  };
  EXPECT_EQ(us("1768478400"), 1'768'478'400'000'000);
  EXPECT_EQ(us("1768478400.123"), 1'768'478'400'123'000);
  EXPECT_EQ(us("1.768478400123E9"), 1'768'478'400'123'000);
  EXPECT_EQ(us(R"("2026-01-15T12:00:00.5Z")"), 1'768'478'400'500'000);
  EXPECT_EQ(us("0"), 0);
  for (const char* text : {"true", "[]", R"("soon")", R"("1768478400")", "1e300", "-1e300"})
    EXPECT_EQ(us(text), -1) << text;
  EXPECT_EQ(ToTimestamp(ServerTimeFromMs(1'768'478'400'123)).Dump(), "1768478400.123");
  EXPECT_EQ(ToTimestamp(ProducerTimeFromUs(1'768'478'400'123'999)).Dump(), "1768478400.123");
}

TEST(PatternsTest, AnArnIsOneOfTheVideoServices) {
  EXPECT_TRUE(IsVideoArn("arn:aws:kinesisvideo:us-east-1:000000000000:stream/a.b_-C/17"));
  for (const char* text :
       {"", "arn:aws:kinesis:us-east-1:1:stream/a/1", "arn:aws:kinesisvideo:us-east-1:1:stream/a",
        "arn:aws:kinesisvideo:us-east-1:1:stream/a/", "arn:aws:kinesisvideo::1:stream/a/1",
        "arn:aws:kinesisvideo:us-east-1:x:stream/a/1", "arn:aws:kinesisvideo:us-east-1:1:/a/1",
        "arn:aws:kinesisvideo:us-east-1:1:stream/a b/1",
        "arn:aws:kinesisvideo:us-east-1:1:stream/a/1/2"}) {
    EXPECT_FALSE(IsVideoArn(text)) << text;
  }
}

void Expect(const Pattern& pattern, std::vector<std::string_view> good,
            std::vector<std::string_view> bad) {
  for (const std::string_view text : good) EXPECT_TRUE(pattern.matches(text)) << text;
  for (const std::string_view text : bad) EXPECT_FALSE(pattern.matches(text)) << text;
}

TEST(PatternsTest, ArnsOfOtherServicesHaveTheirForms) {
  Expect(kHubArn, {"arn:aws:iot:eu-west-1:1:thing/hub_1.a-B"},
         {"", "arn:aws:iot:eu-west-1:1:thing/", "arn:aws:iot:eu-west-1:1:thing/a/b",
          "arn:aws:iot:eu-west-1:1:box/hub", "arn:aws:iot:eu-west-1::thing/hub",
          "arn:aws:IOT:eu-west-1:1:thing/hub", "arn:aws:iot:eu-west-1:1:thing"});
  Expect(kSecretArn, {"arn:aws-cn:secretsmanager:eu-west-1:1:secret:door-x1"},
         {"arn:aws:secretsmanager:eu-west-1:1:secret:", "arn:aws:secretsmanager:eu-west-1:1:secret",
          "arn:aws:secretsmanager:eu-west-1:1:secret:a:b", "arn:aws:iot:eu-west-1:1:secret:a"});
}

TEST(PatternsTest, DestinationsAreUris) {
  Expect(kDestinationUri,
         {"s3://bucket", "s3://bucket/", "s3://bucket/a/b", "s3:bucket/a",
          "arn:aws:sns:eu-west-1:1:topic", "https://example.org:8443/hook?x=1", "s3://buck*t/a"},
         {"", "s3", "s3:", "s3://", "s3:///a", "s3:/a", "s3://bucket/*", "s-3://bucket", "://a"});
  Expect(kRegionName, {"eu-west-1", "us-gov-west-1"},
         {"", "eu-west", "eu-west-10", "eu-west-", "west-1", "EU-west-1", "a-b-c-d-1", "eu--1"});
  Expect(kFormatValue, {"80", "a_Z"}, {"", "8 0", "80%"});
  Expect(kOneLine, {"", "cron(0 9 * * ? *)"}, {"a\nb"});
}

TEST(PatternsTest, MediaTypesAreAListOfPairs) {
  EXPECT_TRUE(IsMediaTypes("video/h264"));
  EXPECT_TRUE(IsMediaTypes("video/h264,audio/vnd.x+y"));
  for (const char* text : {"", "video", "video/", "/h264", "video/h264,", ",video/h264", "a/b/c"})
    EXPECT_FALSE(IsMediaTypes(text)) << text;
}

}  // namespace
}  // namespace penstock::server::wire
