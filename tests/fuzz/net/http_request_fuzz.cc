// Requests as a connection reads them: head, body, the next one. However the bytes are cut, the
// outcome must be the same; and what is let through must hold what the parser promises.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/limits.h"
#include "net/http/body_decoder.h"
#include "net/http/conditions.h"
#include "net/http/parser.h"

namespace {

using namespace penstock;
using namespace penstock::net;

std::string Describe(const RequestHead& head) {
  std::string out =
      head.method + " " + head.target + " " + head.path + " " + std::to_string(head.minor_version);
  for (const auto& [name, value] : head.query) out += "?" + name + "=" + value;
  for (const auto& [name, value] : head.headers.fields()) out += "|" + name + ":" + value;
  return out + "#" + std::to_string(static_cast<int>(head.body.kind)) + "," +
         std::to_string(head.body.length);
}

void CheckPromises(const RequestHead& head) {
  CHECK(!head.path.empty());
  CHECK(head.path.find('\0') == std::string::npos);
  CHECK(("/" + head.path + "/").find("/../") == std::string::npos);
  CHECK(head.headers.Count("Content-Length") + head.headers.Count("Transfer-Encoding") <= 1);
  CHECK(head.headers.Count("Host") <= 1);
  for (const auto& [name, value] : head.headers.fields()) {
    CHECK(name.find_first_of(" \t\r\n:") == std::string::npos);
    CHECK(value.find_first_of("\r\n") == std::string::npos);
  }
}

// A peer whose bytes arrive `step` at a time (0: all at once).
class Reader {
 public:
  Reader(std::string_view input, size_t step)
      : input_(input), step_(step == 0 ? input.size() : step) {}

  std::string Run() {
    while (OneRequest()) {
    }
    return std::move(log_);
  }

 private:
  bool More() {
    if (arrived_ == input_.size()) return false;
    arrived_ = std::min(input_.size(), arrived_ + step_);
    return true;
  }
  std::string_view Unread() const { return input_.substr(used_, arrived_ - used_); }
  bool End(const std::string& why) {
    log_ += "\n" + why;
    return false;
  }

  bool OneRequest() {
    HeadScanner scanner(limits::kHttpHeadBytesMax);
    HeadScanner::State state = scanner.Scan(Unread());
    while (state == HeadScanner::State::kMore && More()) state = scanner.Scan(Unread());
    if (state != HeadScanner::State::kComplete)
      return End("scan " + std::to_string(static_cast<int>(state)));
    RequestHead head;
    if (const auto refusal = ParseRequestHead(scanner.head(), head)) {
      CHECK(refusal->status >= 400 && refusal->status < 600);
      return End(std::to_string(refusal->status) + " " + refusal->reason);
    }
    used_ += scanner.end();
    CheckPromises(head);
    log_ += "\n" + Describe(head) + "\n";
    ParseRange(head.headers.Get("Range"), 1000);
    AcceptsGzip(head.headers.Get("Accept-Encoding"));
    MatchesEtag(head.headers.Get("If-None-Match"), "\"x\"");
    return Body(head);
  }

  bool Body(const RequestHead& head) {
    BodyDecoder body(head.body);
    while (!body.done()) {
      if (Unread().empty() && !More()) return End("incomplete");
      const auto step = body.Next(AsBytes(Unread()));
      if (!step.ok()) return End(step.error().ToString());
      CHECK(step->used > 0);
      CHECK(step->payload.size() <= step->used);
      log_.append(AsText(step->payload));
      used_ += step->used;
    }
    return head.keep_alive;
  }

  const std::string_view input_;
  const size_t step_;
  size_t arrived_ = 0;
  size_t used_ = 0;
  std::string log_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string whole = Reader(input, 0).Run();
  for (const size_t step : {1u, 2u, 7u, 61u}) CHECK(Reader(input, step).Run() == whole);
  return 0;
}
