#include "net/http/client.h"

#include "tests/unit/net/loop_fixture.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class HttpClientTest : public LoopTest {
 protected:
  struct Outcome {
    std::string request;
    Result<ClientResponse> response = Error(ErrorCode::kInternal, "not set");
    std::vector<std::string> pieces;
  };
  struct Ask {
    std::string answer;
    std::string method = "GET";
    std::string body;
    bool close = true;
    bool by_pieces = false;
    milliseconds timeout{10'000};
  };

  // A server of one answer, whatever the question.
  static Task<std::string> AnswerOnce(std::shared_ptr<TcpListener> listener, EventLoop& loop,
                                      std::string answer, bool close) {
    auto accepted = co_await listener->Accept(loop);
    std::unique_ptr<TcpStream> stream = std::move(accepted).value();
    std::string request;
    std::vector<uint8_t> buffer(4096);
    while (request.find("\r\n\r\n") == std::string::npos) {
      const Result<size_t> got = co_await stream->Read(buffer);
      if (!got.ok()) break;
      request.append(reinterpret_cast<const char*>(buffer.data()), *got);
    }
    Status status = co_await WriteText(*stream, answer);
    EXPECT_TRUE(status.ok());
    if (!close) {
      const Result<size_t> end = co_await stream->Read(buffer);
      EXPECT_FALSE(end.ok());
    }
    co_return request;
  }
  static Task<Outcome> Run(EventLoop& loop, Ask ask) {
    const std::shared_ptr<TcpListener> listener = TcpListener::Listen(loop, "127.0.0.1", 0).value();
    Oneshot<std::string> request = Start(AnswerOnce(listener, loop, ask.answer, ask.close));
    Outcome outcome;
    std::function<Status(Bytes)> on_body;
    if (ask.by_pieces) {
      on_body = [&outcome](Bytes piece) -> Status {
        outcome.pieces.emplace_back(piece.text());
        return Status();
      };
    }
    FetchOptions options;
    options.timeout = ask.timeout;
    Headers headers;
    headers.Add("X", "y");
    outcome.response = co_await Fetch(loop, listener->local(), false, ask.method, "/p?q", headers,
                                      ask.body, on_body, options);
    outcome.request = co_await request;
    co_return outcome;
  }
  Outcome Get(Ask ask) { return LoopTest::Run(Run(loop(), std::move(ask))); }
  Outcome Get(std::string answer) {
    Ask ask;
    ask.answer = std::move(answer);
    return Get(std::move(ask));
  }
};

TEST_F(HttpClientTest, TheThreeFramingsGiveTheSameBody) {
  for (const char* rest :
       {"Content-Length: 5\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "\r\nhello"}) {
    const Outcome outcome = Get(std::string("HTTP/1.1 200 OK\r\nY: z\r\n") + rest);
    ASSERT_TRUE(outcome.response.ok()) << outcome.response.error().ToString();
    EXPECT_EQ(outcome.response->status, 200);
    EXPECT_EQ(outcome.response->headers.Get("y"), "z");
    EXPECT_EQ(outcome.response->body, "hello");
    EXPECT_THAT(outcome.request, AllOf(StartsWith("GET /p?q HTTP/1.1\r\nHost: 127.0.0.1:"),
                                       HasSubstr("\r\nX: y\r\n")));
  }
}

TEST_F(HttpClientTest, ABodyMayBeTakenByPiecesAndInterimAnswersArePassedOver) {
  Ask ask;
  ask.by_pieces = true;
  ask.method = "POST";
  ask.body = "data";
  ask.answer =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nTransfer-Encoding: "
      "chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n";
  const Outcome outcome = Get(ask);
  EXPECT_EQ(outcome.response.value().status, 201);
  EXPECT_EQ(outcome.response->body, "");
  EXPECT_THAT(outcome.pieces, ::testing::ElementsAre("a", "b"));
  EXPECT_THAT(outcome.request, HasSubstr("\r\nContent-Length: 4\r\n"));
}

TEST_F(HttpClientTest, AnAnswerWithoutABodyDoesNotWaitForOne) {
  Ask ask;
  ask.close = false;
  ask.method = "HEAD";
  ask.answer = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
  EXPECT_TRUE(Get(ask).response.ok());
  ask.method = "GET";
  ask.answer = "HTTP/1.1 204 No Content\r\n\r\n";
  EXPECT_TRUE(Get(ask).response.ok());
}

TEST_F(HttpClientTest, AnswersThatAreCutOrBrokenAreErrors) {
  EXPECT_EQ(Get("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello").response.error().code(),
            ErrorCode::kClosed);
  EXPECT_EQ(
      Get("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel").response.error().code(),
      ErrorCode::kClosed);
  EXPECT_EQ(
      Get("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n").response.error().code(),
      ErrorCode::kProtocol);
  EXPECT_EQ(Get("SSH-2.0-OpenSSH\r\n\r\n").response.error().code(), ErrorCode::kProtocol);
  EXPECT_EQ(Get("").response.error().code(), ErrorCode::kClosed);
}

TEST_F(HttpClientTest, AServerThatSaysNothingIsGivenUp) {
  Ask ask;
  ask.close = false;
  ask.answer = "HTTP/1.1 200";
  ask.timeout = milliseconds(50);
  EXPECT_EQ(Get(ask).response.error().code(), ErrorCode::kTimeout);
}

TEST_F(HttpClientTest, ATokenEndsAFetch) {
  auto run = [](EventLoop& loop) -> Task<ErrorCode> {
    const std::shared_ptr<TcpListener> listener = TcpListener::Listen(loop, "127.0.0.1", 0).value();
    CancelSource source;
    FetchOptions options;
    options.token = source.token();
    loop.StartTimer(loop.SteadyNow() + milliseconds(20), [source]() mutable { source.Cancel(); });
    auto got =
        co_await Fetch(loop, listener->local(), false, "GET", "/", Headers(), "", nullptr, options);
    co_return got.error().code();
  };
  EXPECT_EQ(LoopTest::Run(run(loop())), ErrorCode::kCancelled);
}

}  // namespace
}  // namespace penstock::net
