#include "server/wire/rest_json.h"

namespace penstock::server::wire {

Result<Json> ParseBody(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return Json(Json::Object());
  auto parsed = Json::Parse(text);
  if (!parsed.ok()) return Error(ErrorCode::kProtocol, "the body is no JSON");
  if (!parsed->is_object()) return Error(ErrorCode::kProtocol, "the body has to be a JSON object");
  return parsed;
}

net::HttpResponse JsonAnswer(const Json& output) {
  return net::HttpResponse(200, "application/json",
                           output.is_null() ? std::string("{}") : output.Dump());
}

}  // namespace penstock::server::wire
