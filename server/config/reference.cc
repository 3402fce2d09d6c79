// The settings table as documentation.
#include <fmt/format.h>

#include "server/config/settings.h"

namespace penstock::server {
namespace {

constexpr std::string_view kIntroduction = R"(# Configuration

<!-- Made by `penstock config reference` from the table the parser uses; a test holds the two equal. Do not edit. -->

`penstock serve` needs no configuration. What should differ from the defaults stands in one YAML file, or in flags, which win:

```sh
penstock serve --config /etc/penstock.yaml --http 127.0.0.1:8080
penstock config check /etc/penstock.yaml     # says what is wrong with it, and where
```

```yaml
data: /var/lib/penstock
retention: 168h
log:
  level: info
  format: json
sources:
  - name: front-door
    url: rtsp://viewer:secret@192.168.1.20/stream1
```

A dot in a name below is a level in the file: `log.level` is `level:` under `log:`. An unknown or repeated key is refused with its
line. SIGHUP (`systemctl reload penstock`) makes a running server read its file again: it takes the sources and the settings that say
*changes on reload*, names in its log those that wait for a restart, and a file with an error changes nothing. Durations are written `500ms`, `10s`, `5m`, `24h` or `7d`; sizes `64KB`, `16MB`, `1GB` (powers of 1000) or `1GiB` (of 1024).

## Settings
)";

constexpr std::string_view kSources = R"(
## Sources

`sources:` is a list of cameras to pull from. What stands here is read-only for `penstock source` and the page; cameras added
there are kept in the store instead. The same name in both places is an error. A reload begins what is new, ends what is gone and connects
anew to what has another `url`, `transport` or `tls_fingerprint`; other cameras do not notice.

| key | meaning |
| --- | --- |
| `name` | The stream's name: letters, digits, `_`, `.` and `-`, at most 256. |
| `url` | `rtsp://[user:password@]host[:port]/path`, or `rtsps://…` over TLS (port 322 unless it says another; TCP only). Percent-encode `@`, `:` and `/` within user and password. |
| `transport` | `auto` (default): TCP, and UDP if the camera refuses TCP. `tcp`: TCP only. `udp`: UDP, and TCP if the camera refuses UDP or nothing comes by it for 5 s. An hour after a change the first transport is tried again with the next connection. |
| `tls_fingerprint` | With `rtsps://`: the SHA-256 fingerprint of the camera's certificate, 64 hexadecimal digits with or without colons. Needed where no authority that this machine trusts has signed the certificate for that host, as with almost every camera: without it the status says what the fingerprint is. The certificate that has it is accepted whoever signed it, whatever name it is for, and after its end. |

Since it may hold passwords, the file should be readable by the server's user only (`chmod 600`).
)";

}  // namespace

std::string ConfigurationReference() {
  std::string out(kIntroduction);
  for (const Setting& setting : Settings()) {
    out += fmt::format("\n### `{}`\n\n{}\n\n", setting.name, setting.help);
    out += fmt::format("Type: {}. Default: `{}`. ", setting.type, setting.fallback);
    if (!setting.limits.empty()) out += fmt::format("Allowed: {}. ", setting.limits);
    out += fmt::format("Flag: `{}`.{}\n", setting.Flag(),
                       setting.effect == Effect::kReload ? " Changes on reload." : "");
  }
  out += kSources;
  return out;
}

std::string SettingsHelp() {
  std::string out;
  for (const Setting& setting : Settings()) {
    out += fmt::format("  {:<22} {}", setting.Flag(), setting.type);
    if (!setting.limits.empty()) out += fmt::format(" ({})", setting.limits);
    out += fmt::format("; default {}\n", setting.fallback);
    // The first sentence is enough here; docs/configuration.md has the rest.
    const size_t end = setting.help.find(". ");
    out += fmt::format("  {:<22}   {}\n", "",
                       setting.help.substr(0, end == std::string_view::npos ? end : end + 1));
  }
  return out;
}

}  // namespace penstock::server
