// Puts one object into a bucket, for notify_test.py:
//   put_object ENDPOINT REGION KEY_ID SECRET BUCKET KEY CONTENT_TYPE CONTENT [NAME=VALUE...]
#include <cstdio>

#include "net/event_loop.h"
#include "server/outgoing/bucket.h"

int main(int count, char** arguments) {
  using namespace penstock;
  using namespace penstock::server;
  if (count < 9) return 2;
  BucketAccess access;
  access.endpoint = HttpUrl::Parse(arguments[1]).value();
  access.region = arguments[2];
  access.access_key = arguments[3];
  access.secret = arguments[4];
  NewObject object;
  object.bucket = arguments[5];
  object.key = arguments[6];
  object.content_type = arguments[7];
  object.content = Bytes::Copy(std::string_view(arguments[8]));
  for (int i = 9; i < count; ++i) {
    const std::string_view pair = arguments[i];
    const size_t equals = pair.find('=');
    object.metadata.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  net::EventLoops loops(1);
  Outgoing outgoing(loops, net::SystemTlsTrust());
  Buckets buckets(outgoing, SystemClock(), std::move(access));
  const Status put = SyncWait(buckets.PutObject(std::move(object)));
  if (put.ok()) return 0;
  std::fprintf(stderr, "%s\n", put.error().ToString().c_str());
  return 1;
}
