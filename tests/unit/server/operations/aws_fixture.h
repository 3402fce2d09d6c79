// The front with Amazon's operations behind it, over fakes: requests come from loopback, unsigned
// but where a test signs them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "playback/dash/dash_service.h"
#include "server/http/front.h"
#include "server/operations/aws_context.h"
#include "tests/unit/server/bodies.h"
#include "tests/unit/server/fake_sources.h"
#include "tests/unit/server/fake_store.h"

namespace penstock::server::aws {

class AwsTest : public testing::Test {
 protected:
  AwsTest() {
    keys_ = std::move(
        *KeyRing::Load(store_.catalog(), MasterKey(std::array<uint8_t, 32>{1}), clock_, {}));
    settings_.log_requests = false;
    aws_.media_idle = std::chrono::milliseconds(1);
    front_ = std::make_unique<HttpFront>(
        Services{store_, sources_, *keys_, hls_, dash_, clock_, aws_, settings_});
  }

  net::HttpResponse Send(std::string path, std::string body, std::string peer = "127.0.0.1") {
    net::HttpRequest request;
    request.method = "POST";
    request.target = request.path = std::move(path);
    request.peer.address = std::move(peer);
    request.headers.Add("Host", "localhost:8080");
    request.body = std::make_shared<TextBody>(std::move(body));
    return SyncWait(front_->Handle(std::move(request)));
  }
  // The answer's status; its JSON and error are kept.
  int Ask(std::string path, std::string body) {
    const net::HttpResponse response = Send(std::move(path), std::move(body));
    error_ = response.headers.Get("x-amzn-ErrorType");
    request_id_ = response.headers.Get("x-amzn-RequestId");
    json_ = *Json::Parse(BodyOf(response));
    return response.status;
  }
  std::string Message() const { return std::string(json_["Message"].AsString()); }

  std::string Arn(std::string_view name) {
    EXPECT_EQ(Ask("/describeStream", R"({"StreamName":")" + std::string(name) + R"("})"), 200);
    return std::string(json_["StreamInfo"]["StreamARN"].AsString());
  }

  SimulatedClock clock_{ServerTimeFromMs(1'768'478'400'123)};
  FakeStore store_{clock_};
  FakeSources sources_;
  std::unique_ptr<KeyRing> keys_;
  playback::HlsService hls_{store_, clock_};
  playback::DashService dash_{store_, clock_, hls_.damaged()};
  Context aws_;
  LiveSettings settings_;
  std::unique_ptr<HttpFront> front_;
  Json json_;
  std::string error_;
  std::string request_id_;
};

}  // namespace penstock::server::aws
