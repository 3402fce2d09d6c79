// The API without a socket: requests made by hand, on a store and sources that are fakes.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_io.h"
#include "base/json.h"
#include "fragmenter/media.h"
#include "playback/dash/dash_service.h"
#include "server/http/front.h"
#include "server/operations/aws_context.h"
#include "tests/unit/server/bodies.h"
#include "tests/unit/server/fake_sources.h"
#include "tests/unit/server/fake_store.h"

namespace penstock::server {

class FrontTest : public testing::Test {
 protected:
  FrontTest() {
    keys_ = std::move(
        *KeyRing::Load(store_.catalog(), MasterKey(std::array<uint8_t, 32>{1}), clock_, {}));
    settings_.log_requests = false;
    front_ = std::make_unique<HttpFront>(
        Services{store_, sources_, *keys_, hls_, dash_, clock_, aws_, settings_});
  }

  net::HttpRequest Request(std::string method, std::string target, std::string body = "") {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = target;
    const size_t question = target.find('?');
    request.path = target.substr(0, question);
    std::string_view rest =
        question == std::string::npos ? "" : std::string_view(target).substr(question + 1);
    while (!rest.empty()) {
      const std::string_view pair = rest.substr(0, rest.find('&'));
      const size_t equals = pair.find('=');
      request.query.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    }
    request.peer.address = "127.0.0.1";
    request.headers.Add("Host", "localhost:8080");
    request.body = std::make_shared<TextBody>(std::move(body));
    return request;
  }
  net::HttpResponse Send(net::HttpRequest request) {
    return SyncWait(front_->Handle(std::move(request)));
  }
  // Status and body; the last answer's JSON is kept.
  int Ask(std::string method, std::string target, std::string body = "") {
    const net::HttpResponse response =
        Send(Request(std::move(method), std::move(target), std::move(body)));
    text_ = BodyOf(response);
    auto parsed = Json::Parse(text_);
    json_ = parsed.ok() ? *parsed : Json();
    return response.status;
  }
  std::string Message() const { return std::string(json_["message"].AsString()); }

  void CreateStream(std::string_view name) {
    ASSERT_TRUE(SyncWait(store_.CreateStream(*StreamName::Parse(name), 24)).ok());
  }
  // A two-second fragment of one frame, `stamp` milliseconds into its run.
  void AddFragment(std::string_view stream, int64_t server_ms, int64_t stamp, uint64_t run = 1,
                   uint64_t tracks = 1) {
    ByteWriter cluster;
    cluster.Zero(fragmenter::kClusterTimestampOffset);
    cluster.Be<int64_t>(stamp);
    cluster.Zero(3);  // the block's time and flags
    fragmenter::FrameTable table;
    table.frames.push_back(fragmenter::Frame{.track = 1,
                                             .key = true,
                                             .offset = static_cast<uint32_t>(cluster.size()),
                                             .size = 1,
                                             .dts = stamp});
    cluster.Text("[" + std::to_string(server_ms) + "]");
    store::ItemHeader item;
    item.server_time = ServerTimeFromMs(server_ms);
    item.duration = std::chrono::seconds(2);
    item.run = run;
    item.track_set = tracks;
    store_.Shard(stream).Add(item, cluster.Take(), table.Encode());
  }

  SimulatedClock clock_{ServerTimeFromMs(1'768'478'400'000)};
  FakeStore store_{clock_};
  FakeSources sources_;
  std::unique_ptr<KeyRing> keys_;
  playback::HlsService hls_{store_, clock_};
  playback::DashService dash_{store_, clock_, hls_.damaged()};
  aws::Context aws_;
  LiveSettings settings_;
  std::unique_ptr<HttpFront> front_;
  Json json_;
  std::string text_;
};

}  // namespace penstock::server
