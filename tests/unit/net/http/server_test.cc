#include "net/http/server.h"

#include "net/http/client.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/net/http/http_fixture.h"
#include "tests/unit/net/loop_fixture.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class HttpServerTest : public HttpTest {};

TEST_F(HttpServerTest, RequestsSentAheadAreAnsweredInOrderOnOneConnection) {
  StartServer(Echo);
  RawClient client(port());
  client.Send(
      "GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: "
      "3\r\n\r\nxyz"
      "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3;e=1\r\nabc\r\n1\r\nd\r\n0\r\nT: v\r\n\r\n"
      "\r\nHEAD /d HTTP/1.1\r\nHost: x\r\n\r\nGET /e HTTP/1.1\r\nHost: x\r\nConnection: "
      "close\r\n\r\n");
  EXPECT_EQ(client.ReadResponse().body, "GET /a ");
  EXPECT_EQ(client.ReadResponse().body, "POST /b xyz");
  EXPECT_EQ(client.ReadResponse().body, "POST /c abcd");
  EXPECT_THAT(client.ReadResponse(true).head, HasSubstr("Content-Length: 8\r\n"));
  const auto last = client.ReadResponse();
  EXPECT_EQ(last.body, "GET /e ");
  EXPECT_THAT(last.head, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(client.ReadToEnd(), "");
}

TEST_F(HttpServerTest, ARequestCutAnywhereIsTheSameRequest) {
  StartServer(Echo);
  const std::string request =
      "POST /x%20y?q=1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  RawClient client(port());
  for (size_t cut = 1; cut < request.size(); ++cut) {
    ASSERT_TRUE(client.Send(request.substr(0, cut)));
    ASSERT_TRUE(client.Send(request.substr(cut)));
    ASSERT_EQ(client.ReadResponse().body, "POST /x y hello") << "cut at " << cut;
  }
  for (const char c : request) ASSERT_TRUE(client.Send(std::string_view(&c, 1)));
  EXPECT_EQ(client.ReadResponse().body, "POST /x y hello");
}

TEST_F(HttpServerTest, RefusalsSayWhyInOneLineOfJsonAndClose) {
  StartServer(Echo);
  const struct {
    const char* request;
    int status;
  } cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: x\n\n", 400},
      {"GET /../x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET /%2e%2e/x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"\x16\x03\x01\x02\x00\x01\x00", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nExpect: magic\r\n\r\n", 417},
      {"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 501},
  };
  for (const auto& one : cases) {
    const std::string answer = Talk(one.request);
    EXPECT_EQ(StatusOf(answer), one.status) << one.request;
    EXPECT_THAT(answer, HasSubstr("\r\n\r\n{\"error\":\"")) << one.request;
    EXPECT_THAT(answer, EndsWith("\"}")) << one.request;
  }
  const std::string large =
      "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(limits::kHttpHeadBytesMax, 'x');
  EXPECT_EQ(StatusOf(Talk(large)), 431);
  std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 200; ++i) many += "X: y\r\n";
  EXPECT_EQ(StatusOf(Talk(many + "\r\n")), 431);
}

TEST_F(HttpServerTest, ABodyThatIsTooLargeIsRefusedAndTheAnswerArrives) {
  StartServer(Echo);
  // The client goes on sending; closing at once would reset the connection under the answer.
  const std::string answer = Talk("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" +
                                  std::string(3'000'000, 'x'));
  EXPECT_EQ(StatusOf(answer), 413);
  std::string chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20; ++i) chunked += "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  EXPECT_EQ(StatusOf(Talk(chunked)), 413);
}

TEST_F(HttpServerTest, AClientThatAsksFirstIsToldToGoOnOnlyWhenTheBodyIsWanted) {
  auto handler = [](HttpRequest request) -> Task<HttpResponse> {
    if (request.path == "/no") co_return ErrorResponse(403, "not you");
    co_return co_await Echo(std::move(request));
  };
  StartServer(handler);
  RawClient client(port());
  client.Send("POST /yes HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.ReadResponse().head, "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("ok");
  EXPECT_EQ(client.ReadResponse().body, "POST /yes ok");
  client.Send("POST /no HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(client.ReadResponse().head, StartsWith("HTTP/1.1 403 "));
  client.FinishSending();
  EXPECT_EQ(client.ReadToEnd(), "");
}

TEST_F(HttpServerTest, AnUnreadBodyThatIsHereAlreadyDoesNotEndTheConnection) {
  auto handler = [](HttpRequest request) -> Task<HttpResponse> {
    if (request.path == "/no") co_return ErrorResponse(404, "nothing");
    co_return co_await Echo(std::move(request));
  };
  StartServer(handler);
  RawClient client(port());
  client.Send("POST /no HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_THAT(client.ReadResponse().head, AllOf(HasSubstr("404"), Not(HasSubstr("close"))));
  client.Send("GET /yes HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.ReadResponse().body, "GET /yes ");
}

TEST_F(HttpServerTest, HttpTenClosesUnlessAskedOtherwise) {
  StartServer(Echo);
  EXPECT_THAT(Talk("GET /a HTTP/1.0\r\n\r\n"),
              AllOf(HasSubstr("Connection: close"), EndsWith("GET /a ")));
  RawClient client(port());
  client.Send("GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n");
  const auto first = client.ReadResponse();
  EXPECT_EQ(first.body, "GET /a ");
  EXPECT_THAT(first.head, HasSubstr("Connection: keep-alive"));
  EXPECT_EQ(client.ReadResponse().body, "GET /b ");
  EXPECT_EQ(client.ReadToEnd(), "");
}

TEST_F(HttpServerTest, AHandlerThatThrowsIsA500AndTheConnectionGoesOn) {
  auto handler = [](HttpRequest request) -> Task<HttpResponse> {
    if (request.path == "/throw") throw std::runtime_error("broken");
    co_return co_await Echo(std::move(request));
  };
  StartServer(handler);
  RawClient client(port());
  client.Send("GET /throw HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.ReadResponse().body, "{\"error\":\"internal error\"}");
  client.Send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.ReadResponse().body, "GET /a ");
}

TEST_F(HttpServerTest, TheServersOwnHeadersAreItsOwnAndValuesCannotEndTheirLine) {
  auto handler = [](HttpRequest) -> Task<HttpResponse> {
    HttpResponse response(200, "text/plain", "12345");
    response.headers.Add("Content-Length", "1");
    response.headers.Add("Connection", "close");
    response.headers.Add("X", "a\r\nSet-Cookie: b");
    co_return response;
  };
  StartServer(handler);
  RawClient client(port());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto response = client.ReadResponse();
  EXPECT_EQ(response.body, "12345");
  EXPECT_THAT(response.head, Not(HasSubstr("close")));
  EXPECT_THAT(response.head, HasSubstr("X: a  Set-Cookie: b\r\n"));
  EXPECT_THAT(response.head, HasSubstr(" GMT\r\n"));
}

TEST_F(HttpServerTest, ASlowHeadIs408AndASilentConnectionJustCloses) {
  HttpServerOptions options;
  options.head_time = milliseconds(50);
  options.idle = milliseconds(50);
  StartServer(Echo, options);
  EXPECT_EQ(StatusOf(Talk("GET / HTTP/1.1\r\nHost:")), 408);
  EXPECT_EQ(Talk(""), "");
  RawClient client(port());
  client.Send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.ReadResponse().body, "GET /a ");
  EXPECT_EQ(client.ReadToEnd(), "");
}

TEST_F(HttpServerTest, ABodyThatStopsArrivingIsATimeoutForItsReader) {
  HttpServerOptions options;
  options.stalled_read = milliseconds(50);
  options.linger = milliseconds(50);
  StartServer(Echo, options);
  RawClient client(port());
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_THAT(client.ReadToEnd(), HasSubstr("the body stopped arriving"));
}

TEST_F(HttpServerTest, AResetInTheMiddleOfABodyReachesItsReader) {
  Oneshot<ErrorCode> seen;
  auto handler = [seen](HttpRequest request) {
    auto work = [](HttpRequest inner, Oneshot<ErrorCode> out) -> Task<HttpResponse> {
      Result<std::string> body = co_await ReadAll(inner.body, 100);
      out.Set(body.ok() ? ErrorCode::kInternal : body.error().code());
      co_return HttpResponse(200, "text/plain", "");
    };
    return work(std::move(request), seen);
  };
  StartServer(handler);
  RawClient client(port());
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  client.Reset();
  auto wait = [](Oneshot<ErrorCode> result) -> Task<ErrorCode> { co_return co_await result; };
  EXPECT_EQ(SyncWait(wait(seen)), ErrorCode::kUnavailable);
}

TEST_F(HttpServerTest, AConnectionTooManyIsToldSo) {
  HttpServerOptions options;
  options.connections_max = 1;
  StartServer(Echo, options);
  RawClient first(port());
  first.Send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(first.ReadResponse().body, "GET /a ");
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_THAT(Talk(""),
              AllOf(HasSubstr(" 503 "), EndsWith("{\"error\":\"too many connections\"}")));
}

TEST_F(HttpServerTest, AThousandConnectionsLeaveNoDescriptorBehind) {
  StartServer(Echo);
  EXPECT_THAT(Talk("GET /a HTTP/1.0\r\n\r\n"), EndsWith("GET /a "));
  while (server_->connections() > 0) std::this_thread::yield();
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 1000; ++i) {
    RawClient client(port());
    ASSERT_TRUE(client.Send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"));
    if (i % 3 == 0) continue;
    ASSERT_EQ(client.ReadResponse().body, "GET /a ");
    if (i % 3 == 1) client.Reset();
  }
  while (server_->connections() > 0) std::this_thread::yield();
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(HttpServerTest, StopLetsABusyConnectionFinishAndClosesIdleOnes) {
  Oneshot<Unit> entered;
  Oneshot<Unit> go;
  auto handler = [entered, go](HttpRequest request) {
    auto work = [](HttpRequest inner, Oneshot<Unit> in, Oneshot<Unit> out) -> Task<HttpResponse> {
      if (inner.path == "/busy") {
        in.Set(Unit());
        co_await out;
      }
      co_return HttpResponse(200, "text/plain", "done");
    };
    return work(std::move(request), entered, go);
  };
  StartServer(handler);
  // On every loop there is one, so that all of them have heard of the end when all of these have.
  std::vector<std::unique_ptr<RawClient>> idle;
  for (size_t i = 0; i < loops_.size(); ++i) {
    idle.push_back(std::make_unique<RawClient>(port()));
    idle.back()->Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(idle.back()->ReadResponse().body, "done");
  }
  RawClient busy(port());
  busy.Send("GET /busy HTTP/1.1\r\nHost: x\r\n\r\n");
  while (!entered.is_set()) std::this_thread::yield();
  std::thread stopper([this] { server_->Stop(seconds(20)); });
  for (const auto& client : idle) EXPECT_EQ(client->ReadToEnd(), "");  // while the other is busy
  go.Set(Unit());
  const auto response = busy.ReadResponse();
  EXPECT_EQ(response.body, "done");
  EXPECT_THAT(response.head, HasSubstr("Connection: close"));
  stopper.join();
}

TEST_F(HttpServerTest, AUnixSocketServesTheSameHandlerAndSaysSo) {
  testing::TempDir folder;
  auto handler = [](HttpRequest request) -> Task<HttpResponse> {
    co_return HttpResponse(200, "text/plain", request.over_unix_socket ? "local" : "remote");
  };
  StartServer(handler);
  const Endpoint at = server_->ListenUnix(folder.path() / "s.sock").value();
  auto fetch = [](EventLoop& loop, Endpoint server) -> Task<std::string> {
    auto got = co_await Fetch(loop, std::move(server), true, "GET", "/", Headers(), "");
    co_return got.value().body;
  };
  EventLoop& loop = loops_[0];
  EXPECT_EQ(SyncWait(RunOn(loop, fetch(loop, at))), "local");
}

}  // namespace
}  // namespace penstock::net
