#include "net/udp.h"

#include "tests/unit/net/loop_fixture.h"

namespace penstock::net {
namespace {

class UdpTest : public LoopTest {};

TEST_F(UdpTest, DatagramsKeepTheirBordersAndDrainingEndsWithUnavailable) {
  auto run = [](EventLoop& loop) -> Task<void> {
    auto a = UdpSocket::Bind(loop, "127.0.0.1", 0).value();
    auto b = UdpSocket::Bind(loop, "127.0.0.1", 0).value();
    for (const char* text : {"one", "two", ""}) {
      const Status sent = a->Send(AsBytes(text), b->local());
      EXPECT_TRUE(sent.ok());
    }
    std::vector<uint8_t> buffer(1500);
    Result<UdpSocket::Datagram> got = co_await b->Receive(buffer);
    EXPECT_EQ(got.value().bytes, 3u);
    EXPECT_EQ(got.value().from.port, a->local().port);
    EXPECT_EQ(got.value().from.address, "127.0.0.1");
    got = b->TryReceive(buffer);
    EXPECT_EQ(AsText(ByteSpan(buffer).first(got.value().bytes)), "two");
    got = b->TryReceive(buffer);
    EXPECT_EQ(got.value().bytes, 0u);
    got = b->TryReceive(buffer);
    EXPECT_EQ(got.error().code(), ErrorCode::kUnavailable);
  };
  Run(run(loop()));
}

TEST_F(UdpTest, ReceiveWaitsAndCloseEndsIt) {
  auto run = [](EventLoop& loop) -> Task<void> {
    auto a = UdpSocket::Bind(loop, "127.0.0.1", 0).value();
    auto b = UdpSocket::Bind(loop, "127.0.0.1", 0).value();
    std::vector<uint8_t> buffer(1500);
    for (int i = 0; i < 100; ++i) {
      loop.Post([&] { EXPECT_TRUE(a->Send(AsBytes("later"), b->local()).ok()); });
      Result<UdpSocket::Datagram> got = co_await b->Receive(buffer);
      EXPECT_EQ(got.value().bytes, 5u);
    }
    loop.Post([&] { b->Close(); });
    Result<UdpSocket::Datagram> got = co_await b->Receive(buffer);
    EXPECT_EQ(got.error().code(), ErrorCode::kCancelled);
    got = b->TryReceive(buffer);
    EXPECT_EQ(got.error().code(), ErrorCode::kCancelled);
    const Status sent = b->Send(AsBytes("x"), a->local());
    EXPECT_EQ(sent.error().code(), ErrorCode::kCancelled);
  };
  Run(run(loop()));
}

TEST_F(UdpTest, APairLiesOnAnEvenPortAndTheNext) {
  auto run = [](EventLoop& loop) -> Task<void> {
    for (int i = 0; i < 20; ++i) {
      auto pair = UdpSocket::BindPair(loop, "127.0.0.1");
      const uint16_t port = pair.value().first->local().port;
      EXPECT_EQ(port % 2, 0);
      EXPECT_EQ(pair.value().second->local().port, port + 1);
    }
    co_return;
  };
  Run(run(loop()));
}

TEST_F(UdpTest, AnIPv6SocketSpeaksToIPv4AddressesToo) {
  auto run = [](EventLoop& loop) -> Task<void> {
    auto both = UdpSocket::Bind(loop, "::", 0);
    if (!both.ok()) co_return;  // a machine without IPv6
    auto v4 = UdpSocket::Bind(loop, "127.0.0.1", 0).value();
    const Status sent = (*both)->Send(AsBytes("x"), v4->local());
    EXPECT_TRUE(sent.ok());
    std::vector<uint8_t> buffer(100);
    Result<UdpSocket::Datagram> got = co_await v4->Receive(buffer);
    const Status answered = v4->Send(AsBytes("yes"), got.value().from);
    EXPECT_TRUE(answered.ok());
    got = co_await (*both)->Receive(buffer);
    EXPECT_EQ(got.value().from.address, "127.0.0.1");
  };
  Run(run(loop()));
}

TEST_F(UdpTest, ATakenPortAndABadAddressAreToldApart) {
  auto run = [](EventLoop& loop) -> Task<void> {
    auto a = UdpSocket::Bind(loop, "127.0.0.1", 0).value();
    auto taken = UdpSocket::Bind(loop, "127.0.0.1", a->local().port);
    EXPECT_EQ(taken.error().code(), ErrorCode::kAlreadyExists);
    auto bad = UdpSocket::Bind(loop, "example.com", 0);
    EXPECT_EQ(bad.error().code(), ErrorCode::kInvalidArgument);
    Endpoint name;
    name.address = "example.com";
    const Status sent = a->Send(AsBytes("x"), name);
    EXPECT_EQ(sent.error().code(), ErrorCode::kInvalidArgument);
    co_return;
  };
  Run(run(loop()));
}

}  // namespace
}  // namespace penstock::net
