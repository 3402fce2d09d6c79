// The whole server on a real folder and free ports, as the command line starts it.
#include "server/service.h"

#include <filesystem>

#include <sys/stat.h>

#include "server/cli/client.h"
#include "tests/testing/temp_dir.h"

namespace penstock::server {
namespace {

Config ConfigOn(const std::filesystem::path& data) {
  Config config = DefaultConfig();
  config.data = data;
  config.http = HostPort{"127.0.0.1", 0};
  config.rtsp = HostPort{"127.0.0.1", 0};
  config.threads = 1;
  config.log_requests = false;
  config.stop_within = std::chrono::milliseconds(0);
  return config;
}

std::unique_ptr<Service> StartOn(const std::filesystem::path& data) {
  auto started = Service::Start(ConfigOn(data), SystemClock());
  EXPECT_TRUE(started.ok()) << started.error().message();
  return started.ok() ? std::move(*started) : nullptr;
}

TEST(ServiceTest, TheAdminKeyIsShownAtTheFirstStartOnly) {
  const testing::TempDir dir;
  auto service = StartOn(dir.path() / "new");
  ASSERT_NE(service, nullptr);
  EXPECT_EQ(service->started().admin_secret.size(), 32u);
  EXPECT_NE(service->started().http->port, 0);
  EXPECT_NE(service->started().rtsp->port, 0);
  service->Stop();
  service = StartOn(dir.path() / "new");
  ASSERT_NE(service, nullptr);
  EXPECT_EQ(service->started().admin_secret, "");
  service->Stop();
}

TEST(ServiceTest, TheCommandLineReachesItThroughItsSocketAndWhatItMadeSurvivesARestart) {
  const testing::TempDir dir;
  auto service = StartOn(dir.path());
  ASSERT_NE(service, nullptr);
  struct stat info {};
  ASSERT_EQ(stat(SocketOf(dir.path()).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0077, 0u) << "the socket is for the server's user alone";
  Json body;
  body.Set("name", "door");
  body.Set("retention_hours", 48);
  Client client(dir.path());
  const auto made = client.Call("POST", "/api/v1/streams", body);
  ASSERT_TRUE(made.ok()) << made.error().message();
  service->Stop();

  const auto nobody = client.Call("GET", "/api/v1/streams");
  ASSERT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(nobody.error().message(), ::testing::HasSubstr("no server is running"));

  service = StartOn(dir.path());
  ASSERT_NE(service, nullptr);
  const auto kept = client.Call("GET", "/api/v1/streams/door");
  ASSERT_TRUE(kept.ok()) << kept.error().message();
  EXPECT_EQ((*kept)["retention_hours"].AsInt(), 48);
  const auto refused = client.Call("GET", "/api/v1/streams/yard");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kNotFound) << "an error comes back as what it was";
  service->Stop();
}

TEST(ServiceTest, ASecondServerOnTheSameFolderIsRefusedAndHarmsNothing) {
  const testing::TempDir dir;
  auto service = StartOn(dir.path());
  ASSERT_NE(service, nullptr);
  const auto second = Service::Start(ConfigOn(dir.path()), SystemClock());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ErrorCode::kConflict);
  EXPECT_TRUE(Client(dir.path()).Call("GET", "/api/v1/version").ok())
      << "its socket is still there";
  service->Stop();
}

TEST(ServiceTest, ATakenPortIsNamedAndEverythingIsClosedAgain) {
  const testing::TempDir first;
  const testing::TempDir second;
  auto service = StartOn(first.path());
  ASSERT_NE(service, nullptr);
  Config config = ConfigOn(second.path());
  config.http->port = service->started().http->port;
  const auto refused = Service::Start(config, SystemClock());
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message(), ::testing::HasSubstr(std::to_string(config.http->port)));
  auto again = StartOn(second.path());
  ASSERT_NE(again, nullptr);
  again->Stop();
  service->Stop();
}

TEST(ServiceTest, OneNameInTheFileAndInTheCatalogIsAnErrorAtStart) {
  const testing::TempDir dir;
  auto service = StartOn(dir.path());
  ASSERT_NE(service, nullptr);
  Json body;
  body.Set("name", "door");
  body.Set("url", "rtsp://127.0.0.1:9/x");
  const auto added = Client(dir.path()).Call("POST", "/api/v1/sources", body);
  ASSERT_TRUE(added.ok()) << added.error().message();
  service->Stop();
  Config config = ConfigOn(dir.path());
  config.sources.push_back(ingest::SourceConfig{
      .name = *StreamName::Parse("door"), .url = "rtsp://127.0.0.1:9/y", .declarative = true});
  const auto refused = Service::Start(config, SystemClock());
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message(), ::testing::HasSubstr("door"));
}

}  // namespace
}  // namespace penstock::server
