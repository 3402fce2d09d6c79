// RTSP streams: fed whole and in pieces they must give the same frames and the same error.
#include <algorithm>
#include <cstring>
#include <string>

#include "base/check.h"
#include "ingest/rtsp/digest.h"
#include "ingest/rtsp/framer.h"
#include "ingest/rtsp/headers.h"
#include "ingest/rtsp/url.h"

namespace {

using namespace penstock;                // NOLINT: a program of one file
using namespace penstock::ingest::rtsp;  // NOLINT

// What the headers with a grammar make of anything; only that they end matters.
void ReadHeaders(const Headers& headers) {
  for (const auto& [name, value] : headers.fields()) {
    for (const Transport& transport : ParseTransports(value)) {
      // What is written is read again.
      CHECK(ParseTransports(transport.ToString()).size() <= 1);
    }
    ParseSession(value);
    ParseRtpInfo(value);
    ParseMethods(value);
    ParseAuthHeader(value);
    Base64Decode(value);
    (void)Url::Parse(value);
  }
}

void Append(const Frame& frame, std::string& out) {
  if (const auto* packet = std::get_if<Interleaved>(&frame)) {
    out += "$" + std::to_string(packet->channel) + ":" + std::string(packet->payload.text());
  } else if (const auto* request = std::get_if<Request>(&frame)) {
    ReadHeaders(request->headers);
    (void)Url::Parse(request->url);
    out += request->Serialize().text();
  } else {
    const auto& response = std::get<Response>(frame);
    ReadHeaders(response.headers);
    out += response.Serialize().text();
  }
  out += '\n';
}

std::string Feed(ByteSpan bytes, size_t piece) {
  Framer framer;
  std::string out;
  while (!bytes.empty()) {
    const auto room = framer.WritableSpan();
    CHECK(room.size() >= Framer::kReadBytesMin);
    const size_t n = std::min({bytes.size(), piece, room.size()});
    std::memcpy(room.data(), bytes.data(), n);
    framer.Commit(n);
    bytes = bytes.subspan(n);
    for (;;) {
      const auto frame = framer.Next();
      if (!frame.ok()) return out + frame.error().ToString();
      if (!frame->has_value()) break;
      Append(**frame, out);
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan bytes(data, size);
  const std::string whole = Feed(bytes, size);
  CHECK(Feed(bytes, 1) == whole);
  CHECK(Feed(bytes, 7) == whole);
  return 0;
}
