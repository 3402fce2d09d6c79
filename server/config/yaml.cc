// The configuration file. The only file that knows a YAML library.
#include <fstream>
#include <set>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "net/tls.h"
#include "server/config/config.h"
#include "server/config/settings.h"
#include "server/config/suggest.h"

namespace penstock::server {
namespace {

// A megabyte is thousands of cameras; more is the wrong file.
constexpr size_t kConfigBytesMax = 1'000'000;

class YamlConfig {
 public:
  YamlConfig(std::string_view file, Config& config) : file_(file), config_(config) {}

  Status Apply(const YAML::Node& root) {
    if (root.IsNull()) return Status();  // an empty file, or comments only
    if (!root.IsMap()) return At(root, "a configuration is a list of `name: value` lines");
    return ApplyMap(root, "");
  }

 private:
  Error At(const YAML::Node& node, std::string_view message) const {
    return AtLine(node.Mark().line, message);
  }
  Error AtLine(int line, std::string_view message) const {
    return Error(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", file_, line + 1, message));
  }

  static bool IsSection(std::string_view name) {
    for (const Setting& setting : Settings()) {
      if (setting.name.size() > name.size() && setting.name.substr(0, name.size()) == name &&
          setting.name[name.size()] == '.') {
        return true;
      }
    }
    return false;
  }

  Error Unknown(const YAML::Node& key, std::string_view name) const {
    std::vector<std::string_view> names = {"sources"};
    for (const Setting& setting : Settings()) names.push_back(setting.name);
    const std::string_view meant = Nearest(name, names);
    if (meant.empty()) return At(key, fmt::format("there is no setting '{}'", name));
    return At(key, fmt::format("there is no setting '{}'; did you mean '{}'?", name, meant));
  }

  // Sections are one level deep, so `prefix` is empty or one word.
  Status ApplyMap(const YAML::Node& map, const std::string& prefix) {
    std::set<std::string> seen;
    for (const auto& entry : map) {
      if (!entry.first.IsScalar()) return At(entry.first, "a setting's name is one word");
      const std::string name =
          prefix.empty() ? entry.first.Scalar() : prefix + "." + entry.first.Scalar();
      if (!seen.insert(name).second)
        return At(entry.first, fmt::format("'{}' stands here twice", name));
      PS_TRY_VOID(ApplyEntry(entry.first, name, entry.second));
    }
    return Status();
  }

  Status ApplyEntry(const YAML::Node& key, const std::string& name, const YAML::Node& value) {
    if (name == "sources") return ApplySources(value);
    if (const Setting* setting = FindSetting(name)) {
      if (!value.IsScalar())
        return At(key, fmt::format("'{}' wants one value ({})", name, setting->type));
      const Status set = setting->access.set(config_, value.Scalar());
      if (!set.ok()) return At(value, fmt::format("{}: {}", name, set.error().message()));
      return Status();
    }
    if (name.find('.') == std::string::npos && IsSection(name)) {
      if (value.IsNull()) return Status();
      if (!value.IsMap())
        return At(value, fmt::format("'{}' holds settings, one per line, indented", name));
      return ApplyMap(value, name);
    }
    return Unknown(key, name);
  }

  Status ApplySources(const YAML::Node& list) {
    if (list.IsNull()) return Status();
    if (!list.IsSequence()) return At(list, "'sources' is a list: each camera starts with a dash");
    for (const auto& entry : list) PS_TRY_VOID(ApplySource(entry));
    return Status();
  }

  // Messages here never repeat a value: it may be a URL with a password in it.
  Status ApplySource(const YAML::Node& entry) {
    if (!entry.IsMap()) return At(entry, "a source has a `name:` and a `url:`");
    std::string name;
    std::string url;
    std::string transport = "auto";
    std::string fingerprint;
    std::set<std::string> seen;
    for (const auto& field : entry) {
      if (!field.first.IsScalar()) return At(field.first, "a source's setting is one word");
      const std::string& key = field.first.Scalar();
      if (!seen.insert(key).second)
        return At(field.first, fmt::format("'{}' stands here twice", key));
      std::string* target = key == "name"              ? &name
                            : key == "url"             ? &url
                            : key == "transport"       ? &transport
                            : key == "tls_fingerprint" ? &fingerprint
                                                       : nullptr;
      if (target == nullptr) return UnknownOfSource(field.first, key);
      if (!field.second.IsScalar())
        return At(field.first, fmt::format("'{}' wants one value", key));
      *target = field.second.Scalar();
    }
    if (name.empty()) return At(entry, "this source has no name");
    const auto stream = StreamName::Parse(name);
    if (!stream.ok()) return At(entry, stream.error().message());
    for (const ingest::SourceConfig& other : config_.sources) {
      if (other.name == *stream)
        return At(entry, fmt::format("there are two sources named '{}'", name));
    }
    ingest::SourceConfig source{.name = *stream, .url = std::move(url), .declarative = true};
    const Status fits = Complete(source, transport, fingerprint);
    if (!fits.ok()) {
      return At(entry, fmt::format("source '{}': {}", name, fits.error().message()));
    }
    config_.sources.push_back(std::move(source));
    return Status();
  }

  static Status Complete(ingest::SourceConfig& source, std::string_view transport,
                         std::string_view fingerprint) {
    PS_TRY(source.transport, ingest::ParseRtspTransport(transport));
    if (!fingerprint.empty()) {
      PS_TRY(source.tls_fingerprint, net::ParseFingerprint(fingerprint));
    }
    return ingest::CheckSource(source);
  }

  Error UnknownOfSource(const YAML::Node& key, std::string_view name) const {
    const std::string_view meant = Nearest(name, {"name", "url", "transport", "tls_fingerprint"});
    if (meant.empty()) {
      return At(key, fmt::format("a source has no setting '{}'; it has name, url, transport and "
                                 "tls_fingerprint",
                                 name));
    }
    return At(key, fmt::format("a source has no setting '{}'; did you mean '{}'?", name, meant));
  }

  std::string_view file_;
  Config& config_;
};

}  // namespace

Status ApplyYaml(std::string_view text, std::string_view file, Config& config) {
  if (text.size() > kConfigBytesMax) {
    return Error(ErrorCode::kTooLarge,
                 fmt::format("{}: more than 1 MB; is this a configuration?", file));
  }
  try {
    return YamlConfig(file, config).Apply(YAML::Load(std::string(text)));
  } catch (const YAML::Exception& error) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("{}:{}: {}", file, error.mark.line + 1, error.msg));
  }
}

Status ApplyYamlFile(const std::filesystem::path& path, Config& config) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error(ErrorCode::kNotFound, fmt::format("cannot read {}", path.string()));
  std::string text(kConfigBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  return ApplyYaml(text, path.string(), config);
}

}  // namespace penstock::server
