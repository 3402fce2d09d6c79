#include "server/config/config.h"

#include <fstream>
#include <sstream>

#include "server/config/identity.h"
#include "server/config/settings.h"
#include "server/config/suggest.h"

namespace penstock::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Status Apply(std::string_view text, Config& config) { return ApplyYaml(text, "p.yaml", config); }

std::string Refusal(std::string_view text) {
  Config config = DefaultConfig();
  const Status applied = Apply(text, config);
  return applied.ok() ? "it was accepted" : applied.error().message();
}

TEST(ConfigTest, TheReferenceIsTheTable) {
  std::ifstream in("docs/configuration.md", std::ios::binary);
  ASSERT_TRUE(in) << "tests run in the root of the repository";
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_EQ(text.str(), ConfigurationReference())
      << "run: penstock config reference > docs/configuration.md";
}

TEST(ConfigTest, EverySettingHasAValidDefaultAndItsOwnFlag) {
  std::set<std::string> flags;
  for (const Setting& setting : Settings()) {
    Config config;
    EXPECT_TRUE(setting.access.set(config, setting.fallback).ok()) << setting.name;
    EXPECT_TRUE(flags.insert(setting.Flag()).second) << setting.name;
    EXPECT_EQ(FindSettingByFlag(setting.Flag()), &setting);
    EXPECT_FALSE(setting.help.empty()) << setting.name;
  }
}

// A reload compares by it what is in effect with what the file says now.
TEST(ConfigTest, ASettingThatIsAnotherIsSeenAndOnlyItself) {
  const std::vector<std::pair<std::string_view, std::string_view>> others = {
      {"data", "/elsewhere"},
      {"http", "9000"},
      {"https", "8443"},
      {"rtsp", "off"},
      {"rtsps", "8322"},
      {"tls.certificate", "/etc/c.pem"},
      {"tls.key", "/etc/k.pem"},
      {"threads", "3"},
      {"trust_loopback", "no"},
      {"public_url", "http://example.net"},
      {"aws.region", "eu-west-3"},
      {"aws.account", "123456789012"},
      {"aws.media_idle", "5s"},
      {"aws.media_readers", "3"},
      {"clip.fragments", "3600"},
      {"clip.bytes", "1GB"},
      {"put_media.connections", "2"},
      {"put_media.fragment_bytes", "2MB"},
      {"put_media.fragment_duration", "10s"},
      {"put_media.tracks", "2"},
      {"put_media.tags", "5"},
      {"put_media.every_track", "no"},
      {"put_media.idle", "10s"},
      {"put_media.lasts", "45m"},
      {"put_media.short_start_is_ms", "yes"},
      {"notifications.allow", "*.example.net 10.0.0.0/8"},
      {"notifications.give_up", "10m"},
      {"outgoing.ca", "/etc/ca.pem"},
      {"s3.endpoint", "https://minio:9000"},
      {"s3.region", "eu-west-3"},
      {"s3.access_key", "AKIA"},
      {"s3.secret_key_file", "/etc/s3.key"},
      {"images.directory", "/srv/images"},
      {"stop_within", "1s"},
      {"retention", "48h"},
      {"fragment.min", "2s"},
      {"fragment.max", "20s"},
      {"fragment.min_bytes", "1MB"},
      {"fragment.max_bytes", "2MB"},
      {"hls.layout", "verbatim"},
      {"log.level", "debug"},
      {"log.format", "json"},
      {"log.requests", "no"},
      {"store.full_at", "90%"},
      {"store.min_free", "1GB"},
      {"store.segment", "64MB"},
      {"store.lanes", "2"},
      {"store.read_threads", "8"},
  };
  ASSERT_EQ(others.size(), Settings().size());
  const Config before = DefaultConfig();
  for (const auto& [name, value] : others) {
    Config after = DefaultConfig();
    const Setting* const changed = FindSetting(name);
    ASSERT_NE(changed, nullptr) << name;
    ASSERT_TRUE(changed->access.set(after, value).ok()) << name;
    for (const Setting& setting : Settings())
      EXPECT_EQ(setting.access.same(before, after), &setting != changed) << name;
  }
}

TEST(ConfigTest, SectionsAndTopLevelValuesAreApplied) {
  Config config = DefaultConfig();
  const Status applied = Apply(
      "data: /srv/video\n"
      "http: 127.0.0.1:9000\n"
      "rtsp: off\n"
      "retention: 7d\n"
      "log:\n"
      "  level: debug\n"
      "  format: json\n"
      "fragment: {min: 500ms, max: 4s}\n"
      "sources:\n"
      "  - name: door\n"
      "    url: rtsp://u:p@cam/1\n"
      "    transport: tcp\n",
      config);
  ASSERT_TRUE(applied.ok()) << applied.error().message();
  EXPECT_EQ(config.data, "/srv/video");
  EXPECT_EQ(config.http->port, 9000);
  EXPECT_FALSE(config.rtsp.has_value());
  EXPECT_EQ(config.retention_hours(), 168u);
  EXPECT_EQ(config.log_level, log::Level::kDebug);
  EXPECT_EQ(config.fragment_min.count(), 500);
  ASSERT_EQ(config.sources.size(), 1u);
  EXPECT_EQ(config.sources[0].name.text(), "door");
  EXPECT_EQ(config.sources[0].transport, ingest::RtspTransport::kTcp);
  EXPECT_TRUE(config.sources[0].declarative);
}

TEST(ConfigTest, AnEmptyFileChangesNothing) {
  Config config = DefaultConfig();
  EXPECT_TRUE(Apply("", config).ok());
  EXPECT_TRUE(Apply("# only a comment\n", config).ok());
  EXPECT_TRUE(Apply("log:\nsources:\n", config).ok());
  EXPECT_EQ(config.http, DefaultConfig().http);
}

TEST(ConfigTest, AnUnknownKeyIsRefusedWithItsLineAndTheOneThatWasMeant) {
  EXPECT_THAT(Refusal("data: x\nretenion: 1h\n"),
              HasSubstr("p.yaml:2: there is no setting 'retenion'"));
  EXPECT_THAT(Refusal("retenion: 1h\n"), HasSubstr("did you mean 'retention'?"));
  EXPECT_THAT(Refusal("log:\n  levle: info\n"),
              HasSubstr("p.yaml:2: there is no setting 'log.levle'; did you mean 'log.level'?"));
  EXPECT_THAT(Refusal("level: info\n"), HasSubstr("did you mean 'log.level'?"));
  EXPECT_THAT(Refusal("source:\n  - name: x\n"), HasSubstr("did you mean 'sources'?"));
  EXPECT_THAT(Refusal("quux: 1\n"), Not(HasSubstr("did you mean")));
  EXPECT_THAT(Refusal("sources:\n  - nmae: a\n"), HasSubstr("did you mean 'name'?"));
}

TEST(ConfigTest, BadValuesAreRefusedWithTheLineAndTheReason) {
  EXPECT_THAT(Refusal("\nretention: 90m\n"),
              HasSubstr("p.yaml:2: retention: 90m is not a whole number of hours"));
  EXPECT_THAT(Refusal("threads: 300\n"), HasSubstr("threads: 300 is not between 0 and 256"));
  EXPECT_THAT(Refusal("fragment: {max: 60s}\n"),
              HasSubstr("fragment.max: 60s is not between 100ms and 25s"));
  EXPECT_THAT(Refusal("fragment: {min: 26s}\n"),
              HasSubstr("fragment.min: 26s is not between 0 and 25s"));
  EXPECT_THAT(Refusal("fragment: {max_bytes: 51MB}\n"),
              HasSubstr("fragment.max_bytes: 51MB is not between 1.0 MB and 50 MB"));
  EXPECT_THAT(Refusal("log: loud\n"), HasSubstr("'log' holds settings"));
  EXPECT_THAT(Refusal("http: [1, 2]\n"), HasSubstr("'http' wants one value"));
  EXPECT_THAT(Refusal("data: a\ndata: b\n"), HasSubstr("p.yaml:2: 'data' stands here twice"));
  EXPECT_THAT(Refusal("- a\n- b\n"), HasSubstr("name: value"));
  EXPECT_THAT(Refusal("store:\n  full_at: 120%\n"), HasSubstr("not between 10% and 99%"));
  EXPECT_THAT(Refusal("log: {level: [\n"), HasSubstr("p.yaml:"));
}

TEST(ConfigTest, ASourceThatCannotBeOneIsRefusedWithoutShowingItsPassword) {
  const std::string wrong_scheme = Refusal("sources:\n  - name: a\n    url: http://u:hunter2@h/\n");
  EXPECT_THAT(wrong_scheme, HasSubstr("p.yaml:2: source 'a': a source's URL starts with rtsp://"));
  EXPECT_THAT(wrong_scheme, Not(HasSubstr("hunter2")));
  // As everywhere else a source is named.
  EXPECT_THAT(Refusal("sources:\n  - {name: a, url: 'rtsp://u:hunter2@/'}\n"),
              AllOf(HasSubstr("names no host"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(Refusal("sources:\n  - {name: a, url: 'rtsp://h/a b'}\n"),
              HasSubstr("write it as %20"));
  EXPECT_THAT(Refusal("sources:\n  - url: rtsp://h/\n"),
              HasSubstr("p.yaml:2: this source has no name"));
  EXPECT_THAT(Refusal("sources:\n  - {name: a b, url: rtsp://h/}\n"), HasSubstr("p.yaml:2:"));
  EXPECT_THAT(Refusal("sources:\n  - {name: a, url: rtsp://h/}\n  - {name: a, url: rtsp://i/}\n"),
              HasSubstr("p.yaml:3: there are two sources named 'a'"));
  EXPECT_THAT(Refusal("sources:\n  - {name: a, url: rtsp://h/, transport: pigeon}\n"),
              HasSubstr("auto, tcp or udp"));
  EXPECT_THAT(Refusal("sources:\n  - {name: a, url: rtsps://h/, transport: udp}\n"),
              HasSubstr("source 'a': rtsps:// is TCP only"));
  EXPECT_THAT(Refusal("sources:\n  - {name: a, url: rtsps://h/, tls_fingerprint: 12}\n"),
              HasSubstr("64 hexadecimal digits"));
  EXPECT_THAT(Refusal("sources:\n  - {name: a, url: rtsp://h/, tls_fingerprint: '" +
                      std::string(64, 'a') + "'}\n"),
              HasSubstr("needs a URL that starts with rtsps://"));
}

TEST(ConfigTest, ASourcesFingerprintIsTakenWithItsColons) {
  std::string print = "AB";
  for (int i = 1; i < 32; ++i) print += ":0F";
  Config config = DefaultConfig();
  ASSERT_TRUE(
      Apply("sources:\n  - {name: a, url: rtsps://h/, tls_fingerprint: '" + print + "'}\n", config)
          .ok());
  EXPECT_EQ(config.sources[0].tls_fingerprint.substr(0, 6), "ab0f0f");
}

TEST(ConfigTest, ADoorWithTlsNeedsACertificateThatCanBeRead) {
  Config config = DefaultConfig();
  EXPECT_TRUE(LoadIdentity(config).ok());
  ASSERT_TRUE(Apply("rtsps: 8322\n", config).ok());
  EXPECT_THAT(CheckConfig(config).error().message(), HasSubstr("set tls.certificate and tls.key"));
  ASSERT_TRUE(Apply("tls: {certificate: /nowhere/c.pem, key: /nowhere/k.pem}\n", config).ok());
  EXPECT_TRUE(CheckConfig(config).ok());
  EXPECT_THAT(LoadIdentity(config).error().message(),
              HasSubstr("tls.certificate, tls.key: /nowhere/c.pem: cannot be read"));
}

TEST(ConfigTest, BesideADoorWithTlsPlainHttpIsForThisMachineUnlessSomebodySaysOtherwise) {
  Config config = DefaultConfig();
  EXPECT_EQ(config.PlainDoor(), (HostPort{"0.0.0.0", 8080}));
  ASSERT_TRUE(Apply("https: 8443\n", config).ok());
  EXPECT_THAT(CheckConfig(config).error().message(), HasSubstr("https needs a certificate"));
  EXPECT_EQ(config.PlainDoor(), (HostPort{"127.0.0.1", 8080}));
  ASSERT_TRUE(Apply("http: 0.0.0.0:8080\n", config).ok());
  EXPECT_EQ(config.PlainDoor(), (HostPort{"0.0.0.0", 8080}));
  ASSERT_TRUE(Apply("http: off\n", config).ok());
  EXPECT_EQ(config.PlainDoor(), std::nullopt);
}

TEST(ConfigTest, RulesBetweenSettingsAreChecked) {
  Config config = DefaultConfig();
  EXPECT_TRUE(CheckConfig(config).ok());
  ASSERT_TRUE(Apply("fragment: {min: 20s, max: 10s}\n", config).ok());
  EXPECT_FALSE(CheckConfig(config).ok());
  config = DefaultConfig();
  ASSERT_TRUE(Apply("fragment: {min_bytes: 3MB, max_bytes: 2MB}\n", config).ok());
  ASSERT_FALSE(CheckConfig(config).ok());
  EXPECT_EQ(CheckConfig(config).error().message(),
            "fragment.min_bytes (3.0 MB) is more than fragment.max_bytes (2.0 MB)");
}

TEST(ConfigTest, AMissingFileIsNamed) {
  Config config = DefaultConfig();
  const Status applied = ApplyYamlFile("/nonexistent/penstock.yaml", config);
  ASSERT_FALSE(applied.ok());
  EXPECT_THAT(applied.error().message(), HasSubstr("/nonexistent/penstock.yaml"));
}

TEST(SuggestTest, DistanceCountsInsertionsDeletionsReplacementsAndSwaps) {
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("abc", "abc"), 0u);
  EXPECT_EQ(EditDistance("abc", "abd"), 1u);
  EXPECT_EQ(EditDistance("abc", "acb"), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

TEST(SuggestTest, NothingIsSuggestedForAWordThatIsNearNothing) {
  EXPECT_EQ(Nearest("zzzzzz", {"data", "http"}), "");
  EXPECT_EQ(Nearest("dta", {"data", "http"}), "data");
}

}  // namespace
}  // namespace penstock::server
