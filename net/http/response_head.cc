#include "net/http/response_head.h"

#include <array>
#include <ctime>

namespace penstock::net {
namespace {

struct Phrase {
  int status;
  std::string_view text;
};
constexpr std::array<Phrase, 35> kPhrases{{
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
}};

bool IsServersBusiness(std::string_view name) {
  return EqualsIgnoreCase(name, "Content-Length") || EqualsIgnoreCase(name, "Transfer-Encoding") ||
         EqualsIgnoreCase(name, "Connection") || EqualsIgnoreCase(name, "Date");
}

void AppendField(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (const char c : value) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  out += "\r\n";
}

// Made once per second and thread.
const std::string& DateNow(ServerTime now) {
  thread_local int64_t second = -1;
  thread_local std::string text;
  if (const int64_t current = ToMs(now) / 1000; current != second) {
    second = current;
    text = HttpDate(now);
  }
  return text;
}

}  // namespace

std::string_view ReasonPhrase(int status) {
  for (const Phrase& phrase : kPhrases) {
    if (phrase.status == status) return phrase.text;
  }
  return "Other";
}

std::string HttpDate(ServerTime time) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = static_cast<std::time_t>(ToMs(time) / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[64];
  // Not strftime: its names depend on the locale.
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[utc.tm_wday],
                utc.tm_mday, kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                utc.tm_sec);
  return text;
}

std::string WriteResponseHead(const HttpResponse& response, const ResponseHeadOptions& options,
                              ServerTime now) {
  std::string out;
  out.reserve(512);
  out += "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  out += ReasonPhrase(response.status);
  out += "\r\n";
  AppendField(out, "Date", DateNow(now));
  for (const auto& [name, value] : response.headers.fields()) {
    if (!IsServersBusiness(name)) AppendField(out, name, value);
  }
  const bool bodyless = response.status < 200 || response.status == 204 || response.status == 304;
  if (options.chunked) {
    AppendField(out, "Transfer-Encoding", "chunked");
  } else if (!bodyless && !response.stream) {
    AppendField(out, "Content-Length", std::to_string(response.body_bytes()));
  }
  if (options.close) {
    AppendField(out, "Connection", "close");
  } else if (options.keep_alive_1_0) {
    AppendField(out, "Connection", "keep-alive");
  }
  out += "\r\n";
  return out;
}

}  // namespace penstock::net
