// A publisher's end of a conversation with a server session, on a simulated executor.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ingest/rtsp/framer.h"
#include "ingest/rtsp/server_session.h"
#include "tests/unit/ingest/rtsp/fake_depayloader.h"
#include "tests/unit/ingest/rtsp/fake_publications.h"
#include "tests/unit/ingest/rtsp/memory_stream.h"
#include "tests/unit/ingest/rtsp/one_key.h"

namespace penstock::ingest::rtsp {

inline constexpr std::string_view kSdp =
    "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:streamid=0\r\n"
    "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/48000/2\r\na=control:streamid=1\r\n";

// One connection, from the publisher's side.
class Publisher {
 public:
  Publisher(SimulatedExecutor& executor, ServerContext& context, MemoryStream::Options options,
            BindUdp bind_udp = nullptr)
      : executor_(executor) {
    auto ends = MemoryStream::MakePair(options);
    mine_ = std::move(ends.first);
    auto run = [](ServerContext& c, std::unique_ptr<net::TcpStream> stream, BindUdp bind_udp,
                  CancelToken token) -> Task<void> {
      ServerSession session(c, std::move(stream), std::move(bind_udp));
      co_await session.Run(token);
    };
    auto theirs = std::make_shared<std::unique_ptr<net::TcpStream>>(std::move(ends.second));
    executor_.Post([this, run, &context, theirs, bind_udp] {
      group_.Spawn(run(context, std::move(*theirs), bind_udp, group_.token()));
      group_.Spawn(Collect());
    });
    executor_.RunUntilIdle();
  }
  ~Publisher() {
    executor_.Post([this] {
      group_.Cancel();
      mine_->Close();
    });
    executor_.Advance(std::chrono::seconds(3));
    EXPECT_EQ(group_.running(), 0u);
  }

  void Send(Bytes bytes) {
    executor_.Post([this, bytes] { Detach(WriteOut(bytes)); });
    executor_.RunUntilIdle();
  }
  // Sends a request and returns everything that came back since.
  std::string Ask(std::string_view method, std::string_view url, std::string_view headers = "",
                  std::string_view body = "") {
    received_.clear();
    const std::string length =
        body.empty() ? "" : fmt::format("Content-Length: {}\r\n", body.size());
    Send(Bytes::Copy(fmt::format("{} {} RTSP/1.0\r\nCSeq: {}\r\n{}{}\r\n{}", method, url, ++cseq_,
                                 headers, length, body)));
    return received_;
  }
  std::string Announce(std::string_view url = "rtsp://h/cam", std::string_view sdp = kSdp) {
    return Ask("ANNOUNCE", url, "Content-Type: application/sdp\r\n", sdp);
  }
  std::string SetUp(int stream, std::string_view transport) {
    return Ask("SETUP", fmt::format("rtsp://h/cam/streamid={}", stream),
               fmt::format("Transport: {}\r\n", transport));
  }
  void BecomeRecording() {
    EXPECT_THAT(Announce(), ::testing::StartsWith("RTSP/1.0 200"));
    EXPECT_THAT(SetUp(0, "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record"),
                ::testing::StartsWith("RTSP/1.0 200"));
    EXPECT_THAT(SetUp(1, "RTP/AVP/TCP;unicast;interleaved=2-3;mode=record"),
                ::testing::StartsWith("RTSP/1.0 200"));
    EXPECT_THAT(Ask("RECORD", "rtsp://h/cam"), ::testing::StartsWith("RTSP/1.0 200"));
  }
  void SendPacket(uint8_t channel, const Bytes& packet) { Send(InterleavedFrame(channel, packet)); }
  const std::string& received() const { return received_; }
  bool closed() const { return closed_; }

 private:
  Task<void> WriteOut(Bytes bytes) {
    ByteChain chain(std::move(bytes));
    (void)co_await mine_->Write(std::move(chain));
  }
  Task<void> Collect() {
    uint8_t buffer[4096];
    const std::span<uint8_t> room(buffer);
    for (;;) {
      const auto read = co_await mine_->Read(room);
      if (!read.ok()) break;
      received_.append(reinterpret_cast<const char*>(buffer), *read);
    }
    closed_ = true;
  }

  SimulatedExecutor& executor_;
  std::unique_ptr<MemoryStream> mine_;
  TaskGroup group_;
  std::string received_;
  bool closed_ = false;
  int cseq_ = 0;
};

// What a server's session stands on, for publishers from this machine.
class PublishingTest : public ::testing::Test {
 protected:
  Delivered Got() const { return publications_.Get("cam"); }

  SimulatedClock clock_{ServerTimeFromMs(1'000'000)};
  SimulatedExecutor executor_{clock_};
  FakePublications publications_;
  OneKey keys_;
  ServerContext context_{keys_, publications_, clock_, FakeDepayloaders()};
  const net::Endpoint loopback_{"127.0.0.1", 40000};
  MemoryStream::Options local_{1 << 20, 1 << 20, loopback_, loopback_};
};

}  // namespace penstock::ingest::rtsp
