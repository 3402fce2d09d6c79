// One operation of the server: how it is asked for, who may, and what runs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "net/http/http.h"
#include "server/api/services.h"
#include "server/auth/credentials.h"

namespace penstock::server {

// One request on its way through an operation.
struct Call {
  net::HttpRequest request;
  Caller caller;
  std::optional<StreamName> stream;  // of {stream} in the pattern
  std::string rest;                  // of {name} or {file}
};

using Outcome = Result<net::HttpResponse>;

// Whom an operation lets in.
enum class Door {
  kOpen,     // everyone: the page itself, its assets, /healthz
  kRead,     // whoever may read the stream in the path, or any viewer where there is none
  kSession,  // whoever has a playback session's token, which the operation looks at itself
  kWatch,    // as kRead, and who has a viewer token for the stream in the path
  kAdmin,
};

struct Operation {
  std::string_view method;
  // Segments are compared whole; {stream}, {name} and {file} take one segment.
  std::string_view pattern;
  Door door;
  Task<Outcome> (*run)(Services& services, Call call);  // services outlive the call
  std::string_view help;
};

// Every operation there is, in the order of the documentation.
const std::vector<Operation>& Operations();

// Pieces that several operations use.

net::HttpResponse JsonResponse(const Json& json, int status = 200);

// The request's body as an object; kInvalidArgument for anything else and for a member that is not
// among `known`.
Task<Result<Json>> ReadObject(Call& call, std::vector<std::string_view> known);

// kInvalidArgument for a parameter of the query that is not among `known` ("key" always is).
Status CheckQuery(const net::HttpRequest& request, std::vector<std::string_view> known);
// ?name=<time>; nullopt if it is not there.
Result<std::optional<ServerTime>> QueryTime(const net::HttpRequest& request, std::string_view name);
Result<uint64_t> QueryCount(const net::HttpRequest& request, std::string_view name,
                            uint64_t fallback, uint64_t most);

struct OpenStream {
  store::StreamInfo info;
  std::shared_ptr<store::Shard> shard;
};
// kNotFound.
Result<OpenStream> FindStream(Services& services, const StreamName& name);

// Whole hours from JSON; kInvalidArgument.
Result<uint32_t> RetentionFromJson(const Json& json);
// What a stream may keep: 0 (no limit), or a fragment of the largest size and more.
Result<uint64_t> MaxBytesFromJson(const Json& json);

}  // namespace penstock::server
