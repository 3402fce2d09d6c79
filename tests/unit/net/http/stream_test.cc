// Bodies that are made while they are sent, bodies from files, and peers that leave or do not read.
#include <cstdio>
#include <fstream>

#include <fcntl.h>

#include "net/http/client.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/net/http/http_fixture.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class HttpStreamTest : public HttpTest {
 protected:
  // Answers every request with this body.
  template <class Body>
  void Serve(Body body, HttpServerOptions options = {}) {
    StartServer(
        [body](HttpRequest) {
          auto work = [](Body stream) -> Task<HttpResponse> {
            HttpResponse response;
            response.stream = stream;
            co_return response;
          };
          return work(body);
        },
        options);
  }
  // Waits on this thread for what a handler's thread sets.
  template <class T>
  static T Await(Oneshot<T> value) {
    auto wait = [](Oneshot<T> inner) -> Task<T> { co_return co_await inner; };
    return SyncWait(wait(value));
  }
};

Task<Status> WriteThree(std::shared_ptr<BodyWriter> out) {
  for (const char* text : {"one", "", "three"}) {
    ByteChain chain(Bytes::Copy(text));
    PS_CO_TRY_VOID(co_await out->Write(chain));
  }
  co_return Status();
}

TEST_F(HttpStreamTest, PiecesAreChunksAndTheConnectionGoesOn) {
  Serve(WriteThree);
  EXPECT_THAT(Talk("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: "
                   "close\r\n\r\n"),
              AllOf(HasSubstr("\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\n\r\nHTTP/1.1 200 OK"),
                    EndsWith("\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\n\r\n")));
  EXPECT_THAT(
      Talk("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
      AllOf(HasSubstr("Transfer-Encoding: chunked"), EndsWith("\r\n\r\n"), Not(HasSubstr("one"))));
}

TEST_F(HttpStreamTest, HttpTenGetsThePlainBytesUntilTheEnd) {
  Serve(WriteThree);
  EXPECT_THAT(Talk("GET / HTTP/1.0\r\n\r\n"),
              AllOf(EndsWith("\r\n\r\nonethree"), Not(HasSubstr("chunked"))));
}

TEST_F(HttpStreamTest, ABodyThatFailsIsVisiblyIncomplete) {
  auto fail = [](std::shared_ptr<BodyWriter> out) -> Task<Status> {
    PS_CO_TRY_VOID(co_await WriteThree(out));
    co_return Error(ErrorCode::kTrimmed, "gone");
  };
  auto throws = [](std::shared_ptr<BodyWriter> out) -> Task<Status> {
    PS_CO_TRY_VOID(co_await WriteThree(out));
    throw std::runtime_error("broken");
  };
  Serve(fail);
  EXPECT_THAT(Talk("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), EndsWith("5\r\nthree\r\n"));
  server_->Stop(seconds(10));
  Serve(throws);
  EXPECT_THAT(Talk("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), EndsWith("5\r\nthree\r\n"));
}

// Waits for nothing but the peer's leaving.
struct Lurk {
  Oneshot<Unit> left;
  Task<Status> operator()(std::shared_ptr<BodyWriter> out) const { return Run(out, left); }
  static Task<Status> Run(std::shared_ptr<BodyWriter> out, Oneshot<Unit> left) {
    Oneshot<Unit> gone;
    const CancelToken closed = out->closed();
    const auto registration = closed.OnCancel([gone] { gone.Set(Unit()); });
    co_await gone;
    left.Set(Unit());
    co_return Error(ErrorCode::kClosed, "the peer left");
  }
};

TEST_F(HttpStreamTest, AWriterThatWaitsForDataLearnsThatThePeerLeft) {
  for (const bool reset : {false, true}) {
    Lurk lurk;
    Serve(lurk);
    RawClient client(port());
    client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(client.ReadUntil("\r\n\r\n"));
    reset ? client.Reset() : client.Close();
    Await(lurk.left);
    server_->Stop(seconds(10));
  }
}

TEST_F(HttpStreamTest, StopCutsAWriterThatWaitsForData) {
  Lurk lurk;
  Serve(lurk);
  RawClient client(port());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(client.ReadUntil("\r\n\r\n"));
  server_->Stop(milliseconds(10));
  Await(lurk.left);
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(HttpStreamTest, WatchingThePeerKeepsTheNextRequest) {
  struct Watched {
    Oneshot<Unit> go;
    Task<Status> operator()(std::shared_ptr<BodyWriter> out) const { return Run(out, go); }
    static Task<Status> Run(std::shared_ptr<BodyWriter> out, Oneshot<Unit> go) {
      const CancelToken closed = out->closed();
      if (!go.is_set()) co_await go;
      EXPECT_FALSE(closed.cancelled());
      co_return co_await WriteThree(out);
    }
  };
  Watched watched;
  Serve(watched);
  RawClient client(port());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(client.ReadUntil("\r\n\r\n"));
  client.Send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  watched.go.Set(Unit());
  EXPECT_THAT(client.ReadToEnd(),
              AllOf(HasSubstr("0\r\n\r\nHTTP/1.1 200 OK"), EndsWith("0\r\n\r\n")));
}

TEST_F(HttpStreamTest, BodiesFlowBothWaysAtOnce) {
  // As PutMedia: an answer to each piece while the body still comes.
  StartServer([](HttpRequest request) {
    auto work = [](HttpRequest inner) -> Task<HttpResponse> {
      auto echo = [](std::shared_ptr<BodyReader> in,
                     std::shared_ptr<BodyWriter> out) -> Task<Status> {
        for (;;) {
          PS_CO_TRY(const Bytes piece, co_await in->Next());
          if (piece.empty()) co_return Status();
          ByteChain chain(piece);
          PS_CO_TRY_VOID(co_await out->Write(chain));
        }
      };
      HttpResponse response;
      response.stream = [echo, in = inner.body](std::shared_ptr<BodyWriter> out) {
        return echo(in, out);
      };
      co_return response;
    };
    return work(std::move(request));
  });
  RawClient client(port());
  client.Send(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(client.ReadUntil("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
  for (const char* piece : {"aaaa", "bbbb", "cccc"}) {
    client.Send("4\r\n" + std::string(piece) + "\r\n");
    ASSERT_TRUE(client.ReadUntil(piece));
  }
  client.Send("0\r\n\r\n");
  ASSERT_TRUE(client.ReadUntil("0\r\n\r\n"));
}

TEST_F(HttpStreamTest, APeerThatReadsNothingIsCut) {
  struct Flood {
    Oneshot<ErrorCode> ended;
    Task<Status> operator()(std::shared_ptr<BodyWriter> out) const { return Run(out, ended); }
    static Task<Status> Run(std::shared_ptr<BodyWriter> out, Oneshot<ErrorCode> ended) {
      const Bytes piece = Bytes::From(std::string(1 << 20, 'x'));
      Status status;
      while (status.ok()) {
        ByteChain chain(piece);
        status = co_await out->Write(chain);
      }
      ended.Set(status.error().code());
      co_return status;
    }
  };
  Flood flood;
  HttpServerOptions options;
  options.stalled_write = milliseconds(100);
  Serve(flood, options);
  RawClient client(port(), 4096);
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(Await(flood.ended), ErrorCode::kTimeout);
}

class HttpFileTest : public HttpTest {
 protected:
  void SetUp() override {
    text_.resize(30'000'000);
    uint32_t x = 1;
    for (char& c : text_) c = static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
    std::ofstream(path(), std::ios::binary) << text_;
    auto file = std::make_shared<FileHandle>(open(path().c_str(), O_RDONLY | O_CLOEXEC));
    const uint64_t size = text_.size();
    StartServer([file, size](HttpRequest request) {
      auto work = [](HttpRequest inner, FileSlice slice) -> Task<HttpResponse> {
        HttpResponse response(200, "video/mp4", "head");
        if (inner.path == "/chunked") {
          auto send = [](std::shared_ptr<BodyWriter> out, FileSlice all) -> Task<Status> {
            PS_CO_TRY_VOID(co_await out->SendFile(all));
            co_return co_await out->SendFile(all);
          };
          response.stream = [send, slice](std::shared_ptr<BodyWriter> out) {
            return send(out, slice);
          };
          co_return response;
        }
        response.headers.Set("Accept-Ranges", "bytes");
        response.parts.emplace_back(slice);
        response.parts.emplace_back(ByteChain(Bytes::Copy("tail")));
        co_return response;
      };
      return work(std::move(request), FileSlice{file, 0, size});
    });
  }
  std::filesystem::path path() const { return folder_.path() / "file"; }
  std::string Url(const std::string& rest) const {
    return "http://127.0.0.1:" + std::to_string(port()) + rest;
  }
  // What an independent client got.
  std::string Curl(const std::string& arguments) const {
    const std::filesystem::path out = folder_.path() / "out";
    const std::string command = "curl -sS -m 60 -o " + out.string() + " " + arguments;
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    std::ifstream in(out, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }

  testing::TempDir folder_;
  std::string text_;
};

TEST_F(HttpFileTest, ALargeFileArrivesByteForByteBetweenItsNeighbours) {
  EXPECT_TRUE(Curl(Url("/")) == "head" + text_ + "tail");
}

TEST_F(HttpFileTest, ARangeAcrossMemoryAndFileIsThatRange) {
  const std::string all = "head" + text_ + "tail";
  EXPECT_TRUE(Curl("-r 2-1000000 " + Url("/")) == all.substr(2, 999'999));
  EXPECT_TRUE(Curl("-r 5000-5001 " + Url("/")) == all.substr(5000, 2));
  EXPECT_TRUE(Curl("-r -6 " + Url("/")) == all.substr(all.size() - 6));
}

TEST_F(HttpFileTest, FilesTravelInChunksToo) {
  EXPECT_TRUE(Curl(Url("/chunked")) == text_ + text_);
}

TEST_F(HttpFileTest, AnUploadArrivesWhole) {
  server_->Stop(seconds(10));
  Oneshot<std::string> got;
  StartServer([got](HttpRequest request) {
    auto work = [](HttpRequest inner, Oneshot<std::string> out) -> Task<HttpResponse> {
      Result<std::string> body = co_await ReadAll(inner.body, 1u << 30);
      out.Set(body.ok() ? std::move(*body) : body.error().message());
      co_return HttpResponse(200, "text/plain", "thanks");
    };
    return work(std::move(request), got);
  });
  EXPECT_EQ(Curl("-T " + path().string() + " -H 'Transfer-Encoding: chunked' " + Url("/")),
            "thanks");
  auto wait = [](Oneshot<std::string> inner) -> Task<std::string> { co_return co_await inner; };
  EXPECT_TRUE(SyncWait(wait(got)) == text_);
}

TEST_F(HttpStreamTest, AnAnswerRunsBesideItsRequestAndEndsWhoStillReadsThat) {
  Oneshot<ErrorCode> reader_ended;
  StartServer([reader_ended](HttpRequest request) {
    auto work = [](std::shared_ptr<BodyReader> body,
                   Oneshot<ErrorCode> ended) -> Task<HttpResponse> {
      HttpResponse response;
      response.stream = [body, ended](std::shared_ptr<BodyWriter> out) {
        auto echo = [](std::shared_ptr<BodyReader> in, std::shared_ptr<BodyWriter> to,
                       Oneshot<ErrorCode> over) -> Task<Status> {
          PS_CO_TRY(const Bytes piece, co_await in->Next());
          ByteChain same(piece);
          PS_CO_TRY_VOID(co_await to->Write(same));
          auto read_on = [](std::shared_ptr<BodyReader> rest, Oneshot<ErrorCode> o) -> Task<void> {
            const auto next = co_await rest->Next();
            o.Set(next.ok() ? ErrorCode::kInternal : next.error().code());
          };
          Detach(read_on(in, over));
          co_return Status();
        };
        return echo(body, std::move(out), ended);
      };
      co_return response;
    };
    return work(request.body, reader_ended);
  });
  RawClient client(port());
  client.Send(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(client.ReadUntil("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
  client.Send("3\r\none\r\n");
  // The request's body has not ended; the connection does, in order.
  EXPECT_THAT(client.ReadToEnd(), EndsWith("\r\n\r\n3\r\none\r\n0\r\n\r\n"));
  EXPECT_EQ(Await(reader_ended), ErrorCode::kCancelled);
}

}  // namespace
}  // namespace penstock::net
