#include "server/auth/sigv4/claim.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

#include "server/auth/sigv4/query.h"

namespace penstock::server::sigv4 {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTokenField = "X-Amz-Security-Token";
constexpr size_t kSignatureDigits = 64;
constexpr size_t kSignedHeadersMax = 64;
constexpr int64_t kExpiresMax = 604'800;  // a week, as everywhere at Amazon

Fault Incomplete(std::string message) { return Fault{Fault::kIncomplete, std::move(message)}; }

// What both forms bring, as text.
struct Raw {
  std::string credential;
  std::string signed_headers;
  std::string signature;
  std::string date;
};

bool IsDigitsOnly(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool IsSmallHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (true) {
    const size_t at = text.find(separator);
    out.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

// "key/20260115/us-west-2/kinesisvideo/aws4_request".
std::optional<Fault> ReadCredential(std::string_view text, std::string_view where, Claim& claim) {
  const std::vector<std::string> parts = Split(text, '/');
  if (parts.size() != 5 || std::any_of(parts.begin(), parts.end(),
                                       [](const std::string& part) { return part.empty(); })) {
    return Incomplete(fmt::format(
        "{} must have five slash-delimited elements: key, date, region, service, 'aws4_request'.",
        where));
  }
  if (parts[4] != "aws4_request")
    return Incomplete(fmt::format("{} must end in 'aws4_request'.", where));
  claim.access_key = parts[0];
  claim.date = parts[1];
  claim.region = parts[2];
  claim.service = parts[3];
  return std::nullopt;
}

std::optional<Fault> ReadSignedHeaders(std::string_view text, Claim& claim) {
  claim.signed_headers = Split(text, ';');
  if (claim.signed_headers.size() > kSignedHeadersMax)
    return Incomplete(fmt::format("At most {} headers can be signed.", kSignedHeadersMax));
  bool host = false;
  for (const std::string& name : claim.signed_headers) {
    const bool small = !name.empty() && std::none_of(name.begin(), name.end(), [](char c) {
      return (c >= 'A' && c <= 'Z') || c <= ' ' || c == 0x7f;
    });
    if (!small) return Incomplete("SignedHeaders must be header names in small letters.");
    host = host || name == "host";
  }
  if (!host) return Fault{Fault::kInvalid, "'Host' must be a 'SignedHeader' in the signature."};
  return std::nullopt;
}

std::variant<Claim, Fault> Finish(Raw raw, std::string_view where, Claim claim) {
  if (auto fault = ReadCredential(raw.credential, where, claim)) return std::move(*fault);
  if (auto fault = ReadSignedHeaders(raw.signed_headers, claim)) return std::move(*fault);
  if (raw.signature.size() != kSignatureDigits || !IsSmallHex(raw.signature))
    return Incomplete("The signature must be 64 hexadecimal digits in small letters.");
  const auto time = ParseBasicTime(raw.date);
  if (!time)
    return Incomplete("The date must be in ISO 8601 basic format, such as 20260115T120000Z.");
  if (raw.date.compare(0, 8, claim.date) != 0) {
    return Fault{Fault::kInvalid,
                 fmt::format("Date in Credential scope does not match YYYYMMDD from ISO-8601 "
                             "version of date from HTTP: '{}' != '{}'.",
                             claim.date, raw.date.substr(0, 8))};
  }
  claim.signature = std::move(raw.signature);
  claim.timestamp = std::move(raw.date);
  claim.time = *time;
  return claim;
}

// Twice is as good as none that fits. Whether it is among the signed headers is the client's
// choice: those in C leave it out.
std::optional<std::string> TokenOf(const net::Headers& headers) {
  if (!headers.Has(kTokenField)) return std::nullopt;
  if (headers.Count(kTokenField) > 1) return std::string();
  return std::string(net::TrimSpaces(headers.Get(kTokenField)));
}

std::variant<Claim, Fault> FromHeader(const SignedRequest& request) {
  if (request.headers.Count("Authorization") != 1)
    return Incomplete("There must be one Authorization header.");
  std::string_view text = request.headers.Get("Authorization");
  text.remove_prefix(kAlgorithm.size());
  Raw raw;
  while (!text.empty()) {
    const std::string_view element = net::TrimSpaces(text.substr(0, text.find(',')));
    text.remove_prefix(std::min(text.size(), text.find(',')));
    if (!text.empty()) text.remove_prefix(1);
    if (element.empty()) continue;
    const size_t equals = element.find('=');
    std::string* const part = element.substr(0, equals) == "Credential"      ? &raw.credential
                              : element.substr(0, equals) == "SignedHeaders" ? &raw.signed_headers
                              : element.substr(0, equals) == "Signature"     ? &raw.signature
                                                                             : nullptr;
    if (part == nullptr || equals == std::string_view::npos || !part->empty())
      return Incomplete("The Authorization header cannot be understood.");
    *part = element.substr(equals + 1);
  }
  raw.date = std::string(net::TrimSpaces(request.headers.Get("X-Amz-Date")));
  if (raw.date.empty()) raw.date = std::string(net::TrimSpaces(request.headers.Get("Date")));
  std::string missing;
  const auto require = [&missing](const std::string& value, std::string_view name) {
    if (!value.empty()) return;
    missing += fmt::format("{}Authorization header requires '{}' parameter.",
                           missing.empty() ? "" : " ", name);
  };
  require(raw.credential, "Credential");
  require(raw.signature, "Signature");
  require(raw.signed_headers, "SignedHeaders");
  if (raw.date.empty()) {
    missing += fmt::format(
        "{}Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        missing.empty() ? "" : " ");
  }
  if (!missing.empty()) return Incomplete(std::move(missing));
  Claim claim;
  claim.token = TokenOf(request.headers);
  return Finish(std::move(raw), "Credential", std::move(claim));
}

std::variant<Claim, Fault> FromQuery(const SignedRequest& request) {
  const auto query = ReadQuery(request.target);
  if (!query) return Incomplete("The query cannot be decoded.");
  const auto find = [&query](std::string_view name) -> std::optional<std::string> {
    std::optional<std::string> found;
    for (const auto& [key, value] : *query) {
      if (key != name) continue;
      if (found) return std::string();  // twice is as good as never
      found = value;
    }
    return found;
  };
  std::array<std::optional<std::string>, 6> parts;
  constexpr std::array<std::string_view, 6> kNames = {"X-Amz-Algorithm",     "X-Amz-Credential",
                                                      "X-Amz-Date",          "X-Amz-Expires",
                                                      "X-Amz-SignedHeaders", "X-Amz-Signature"};
  for (size_t i = 0; i < kNames.size(); ++i) {
    parts[i] = find(kNames[i]);
    if (!parts[i] || parts[i]->empty())
      return Incomplete(fmt::format("AWS query-string parameters must include '{}'.", kNames[i]));
  }
  if (*parts[0] != kAlgorithm)
    return Incomplete(fmt::format("Unsupported AWS 'algorithm'; it has to be {}.", kAlgorithm));
  Claim claim;
  claim.presigned = true;
  if (!IsDigitsOnly(*parts[3]) || parts[3]->size() > 6)
    return Incomplete("X-Amz-Expires must be a number of seconds up to 604800.");
  const int64_t expires = std::stoll(*parts[3]);
  if (expires < 1 || expires > kExpiresMax)
    return Incomplete("X-Amz-Expires must be a number of seconds from 1 to 604800.");
  claim.expires = std::chrono::seconds(expires);
  claim.token = find(kTokenField);
  if (const auto beside = TokenOf(request.headers))
    claim.token = claim.token.value_or(*beside) == *beside ? *beside : std::string();
  Raw raw{*parts[1], *parts[4], *parts[5], *parts[2]};
  return Finish(std::move(raw), "X-Amz-Credential", std::move(claim));
}

bool HasScheme(const net::Headers& headers) {
  return headers.Get("Authorization").substr(0, kAlgorithm.size()) == kAlgorithm;
}

bool HasQueryForm(std::string_view target) {
  const size_t question = target.find('?');
  if (question == std::string_view::npos) return false;
  const std::string_view query = target.substr(question);
  return query.find("X-Amz-Signature=") != std::string_view::npos ||
         query.find("X-Amz-Algorithm=") != std::string_view::npos;
}

}  // namespace

bool IsSigned(const SignedRequest& request) {
  return HasScheme(request.headers) || HasQueryForm(request.target);
}

std::variant<Claim, Fault> ReadClaim(const SignedRequest& request) {
  const bool query = HasQueryForm(request.target);
  if (HasScheme(request.headers)) {
    if (query) return Incomplete("A request is signed in its header or in its query, not in both.");
    return FromHeader(request);
  }
  if (query) return FromQuery(request);
  if (request.headers.Has("Authorization"))
    return Incomplete(fmt::format("The Authorization header has to begin with {}.", kAlgorithm));
  return Fault{Fault::kMissing, "Missing Authentication Token"};
}

std::optional<ServerTime> ParseBasicTime(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  if (!IsDigitsOnly(text.substr(0, 8)) || !IsDigitsOnly(text.substr(9, 6))) return std::nullopt;
  const auto number = [text](size_t at, size_t digits) {
    int value = 0;
    for (size_t i = at; i < at + digits; ++i) value = value * 10 + (text[i] - '0');
    return value;
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(4, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(6, 2)))};
  const int hours = number(9, 2);
  const int minutes = number(11, 2);
  const int seconds = number(13, 2);
  if (!day.ok() || hours > 23 || minutes > 59 || seconds > 60) return std::nullopt;
  const auto days = std::chrono::sys_days(day).time_since_epoch();
  const std::chrono::milliseconds since = days + std::chrono::hours(hours) +
                                          std::chrono::minutes(minutes) +
                                          std::chrono::seconds(seconds);
  return ServerTime(since);
}

std::string FormatBasicTime(ServerTime time) {
  const auto since = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  const auto days = std::chrono::floor<std::chrono::days>(since);
  const std::chrono::year_month_day day{std::chrono::sys_days(days)};
  const std::chrono::hh_mm_ss clock(since - days);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace penstock::server::sigv4
