#include "server/config/outgoing_settings.h"

#include <algorithm>

#include <fmt/format.h>

#include "server/config/setting_access.h"

namespace penstock::server {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

Result<milliseconds> ParseGiveUp(std::string_view text) {
  PS_TRY(const milliseconds value, ParseDuration(text));
  if (value >= minutes(1) && value <= hours(24)) return value;
  return Error(ErrorCode::kInvalidArgument, fmt::format("{} is not between 1m and 24h", text));
}

Result<std::filesystem::path> ParsePath(std::string_view text) {
  return std::filesystem::path(text);
}

Result<std::string> ParseKeyId(std::string_view text) {
  const bool good = std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < '\x7f' && c != '/' && c != ',';
  });
  if (good) return std::string(text);
  return Error(ErrorCode::kInvalidArgument, "that is no access key's id");
}

}  // namespace

std::vector<Setting> OutgoingSettings() {
  return {
      {"notifications.allow", "hosts", "*", "names, *.domain, addresses, networks, or *",
       "Which hosts notifications of streams may be sent to, separated by blanks or commas: "
       "whoever "
       "may configure a stream chooses the URL. * is every host, but none at a link-local, "
       "multicast or unspecified address, where clouds keep a machine's secrets; such an address "
       "has to be listed itself. Empty: none.",
       Parsed(&Config::notifications_allow, AllowedHosts::Parse)},
      {"notifications.give_up", "duration", "1h", "1m to 24h",
       "How long after a fragment's end its notification is tried before it is given up.",
       Parsed(&Config::notifications_give_up, ParseGiveUp)},
      {"outgoing.ca", "path", "", "a PEM file",
       "The authorities that have to have signed the certificates of https:// servers to which "
       "requests are sent (webhooks, s3.endpoint). Empty: those that the system trusts.",
       Parsed(&Config::outgoing_ca, ParsePath)},
      {"s3.endpoint", "URL", "", "http://host[:port] or https://host[:port]",
       "A server of buckets in the protocol of Amazon S3, for what is put into buckets. Buckets "
       "are "
       "named in the path. Empty: there is none.",
       Parsed(&Config::s3_endpoint, ParseServerUrl)},
      {"s3.region", "name", "us-east-1", "letters, digits and -",
       "The region for which requests to s3.endpoint are signed.",
       Parsed(&Config::s3_region, ParseRegion)},
      {"s3.access_key", "text", "", "", "The id of the key with which they are signed.",
       Parsed(&Config::s3_access_key, ParseKeyId)},
      {"s3.secret_key_file", "path", "", "a text file",
       "Where the secret of that key is, on the first line. Read at the start.",
       Parsed(&Config::s3_secret_key_file, ParsePath)},
  };
}

}  // namespace penstock::server
