// One operation of Amazon's APIs: its name, its input as a table, and its work. An operation is a
// file of its own below a folder for its service.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "net/http/http.h"
#include "server/api/operation.h"
#include "server/api/services.h"
#include "server/auth/credentials.h"
#include "server/operations/video/channel.h"
#include "server/wire/errors.h"
#include "server/wire/rest_json.h"
#include "server/wire/shape.h"

namespace penstock::server::aws {

// One request that has been read, held against its table, and let in.
struct Call {
  Json input;
  std::optional<video::Channel> channel;  // of Resource::kChannel
  Caller caller;
  std::optional<StreamName> name;         // of Resource::kStream and kNewStream
  std::optional<OpenStream> stream;       // of Resource::kStream
  std::string host;                       // as the client wrote it
  bool over_tls = false;                  // it came so
  std::string peer;                       // who sends, for people
  std::shared_ptr<net::BodyReader> body;  // of an operation whose input is in the head
};

// What a request is about. It is looked up, and the caller's key is held against it, before the
// work begins.
enum class Resource {
  kNone,  // nothing in particular: any stream's key may, and the work leaves out what it may not
  kNewStream,        // the stream to be, StreamName
  kStream,           // an existing one, by StreamName or StreamARN
  kNewChannel,       // the signaling channel to be, ChannelName
  kChannel,          // an existing one, by ChannelName or ChannelARN
  kStreamOrChannel,  // an existing one of either, by ResourceARN
};

struct Operation {
  std::string_view name;  // "DescribeStream": what keys allow
  std::string_view path;  // "/describeStream"
  const wire::Shape* input;
  Resource resource;
  Task<Outcome> (*run)(Services& services, Call call);  // services outlive the call
  // What this operation calls errors that have another name elsewhere.
  std::span<const ErrorName> errors = {};
  // If set, the input is in the request's head, and the work begins before the body has come, which
  // is not part of what is signed.
  Json (*input_of)(const net::HttpRequest& request) = nullptr;
};

// Every operation of the video services, by exact path.
std::span<const Operation* const> VideoOperations();

}  // namespace penstock::server::aws
