#include "server/wire/validate.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "server/wire/timestamp.h"

namespace penstock::server::wire {
namespace {

constexpr size_t kViolationsMax = 10;
// A value is quoted in the answer; one that is megabytes long is not.
constexpr size_t kQuotedBytesMax = 256;

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kString:
      return "a string";
    case Kind::kInteger:
      return "an integer";
    case Kind::kBoolean:
      return "a boolean";
    case Kind::kTimestamp:
      return "a timestamp";
    case Kind::kStructure:
    case Kind::kMap:
      return "an object";
    case Kind::kList:
      return "a list";
  }
  return "something else";
}

bool IsKind(Kind kind, const Json& value) {
  switch (kind) {
    case Kind::kString:
      return value.is_string();
    case Kind::kInteger:
      return value.is_int();
    case Kind::kBoolean:
      return value.is_bool();
    case Kind::kTimestamp:
      return ParseTimestamp(value).ok();
    case Kind::kStructure:
    case Kind::kMap:
      return value.is_object();
    case Kind::kList:
      return value.is_array();
  }
  return false;
}

// Members are named as the services do it: with a small first letter.
std::string Below(const std::string& path, std::string_view name) {
  std::string out = path;
  if (!out.empty()) out += '.';
  const size_t first = out.size();
  out += name;
  if (out.size() > first && out[first] >= 'A' && out[first] <= 'Z')
    out[first] = static_cast<char>(out[first] - 'A' + 'a');
  return out;
}

std::string Quoted(std::string_view text) {
  if (text.size() <= kQuotedBytesMax) return fmt::format("'{}'", text);
  size_t cut = kQuotedBytesMax;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return fmt::format("'{}...'", text.substr(0, cut));
}

class Validator {
 public:
  // The kinds of all values below this one.
  Status CheckKinds(const Shape& shape, const Json& value, const std::string& path) {
    if (value.is_null()) return Status();
    if (!IsKind(shape.kind, value)) {
      return Error(ErrorCode::kProtocol, fmt::format("'{}' has to be {}", path.empty() ? "." : path,
                                                     KindName(shape.kind)));
    }
    switch (shape.kind) {
      case Kind::kStructure:
        for (const Member& member : shape.members) {
          PS_TRY_VOID(CheckKinds(*member.shape, value[member.name], Below(path, member.name)));
        }
        break;
      case Kind::kList:
        for (const Json& element : value.array()) {
          if (element.is_null())
            return Error(ErrorCode::kProtocol, fmt::format("'{}' holds a null", path));
          PS_TRY_VOID(CheckKinds(*shape.element, element, path));
        }
        break;
      case Kind::kMap:
        for (const auto& [key, element] : value.object()) {
          PS_TRY_VOID(CheckKinds(*shape.element, element, Below(path, key)));
        }
        break;
      default:
        break;
    }
    return Status();
  }

  void CheckRules(const Shape& shape, const Json& value, const std::string& path) {
    switch (shape.kind) {
      case Kind::kString:
        CheckText(shape, value.AsString(), path);
        break;
      case Kind::kInteger:
        CheckRange(shape, value.AsInt(), std::to_string(value.AsInt()), path, "value");
        break;
      case Kind::kBoolean:
      case Kind::kTimestamp:
        break;
      case Kind::kStructure:
        CheckMembers(shape, value, path);
        break;
      case Kind::kList: {
        CheckCount(shape, value.array().size(), path);
        size_t place = 0;
        for (const Json& element : value.array()) {
          if (violations_.size() == kViolationsMax) break;
          CheckRules(*shape.element, element, fmt::format("{}.{}.member", path, ++place));
        }
        break;
      }
      case Kind::kMap:
        CheckCount(shape, value.object().size(), path);
        for (const auto& [key, element] : value.object()) {
          CheckText(*shape.key, key, path);
          CheckRules(*shape.element, element, fmt::format("{}.{}.member", path, key));
        }
        break;
    }
  }

  Status Verdict() const {
    if (violations_.empty()) return Status();
    std::string text = fmt::format("{} validation error{} detected: ", violations_.size(),
                                   violations_.size() == 1 ? "" : "s");
    for (size_t i = 0; i < violations_.size(); ++i) {
      if (i > 0) text += "; ";
      text += violations_[i];
    }
    return Error(ErrorCode::kInvalidArgument, std::move(text));
  }

 private:
  void Add(std::string_view quoted, const std::string& path, std::string_view rule) {
    if (violations_.size() == kViolationsMax) return;
    violations_.push_back(fmt::format(
        "Value {} at '{}' failed to satisfy constraint: Member must {}", quoted, path, rule));
  }

  void CheckMembers(const Shape& shape, const Json& value, const std::string& path) {
    for (const Member& member : shape.members) {
      const Json& found = value[member.name];
      const std::string below = Below(path, member.name);
      if (!found.is_null()) {
        CheckRules(*member.shape, found, below);
      } else if (member.required) {
        Add("null", below, "not be null");
      }
    }
  }

  // `what`: "value" or "length".
  void CheckRange(const Shape& shape, int64_t number, std::string_view text,
                  const std::string& path, std::string_view what) {
    if (number < shape.min)
      Add(Quoted(text), path, fmt::format("have {} greater than or equal to {}", what, shape.min));
    if (number > shape.max)
      Add(Quoted(text), path, fmt::format("have {} less than or equal to {}", what, shape.max));
  }

  void CheckCount(const Shape& shape, size_t count, const std::string& path) {
    CheckRange(shape, static_cast<int64_t>(count), fmt::format("[{} elements]", count), path,
               "length");
  }

  void CheckText(const Shape& shape, std::string_view text, const std::string& path) {
    CheckRange(shape, TextLength(text), text, path, "length");
    if (shape.pattern != nullptr && !shape.pattern->matches(text)) {
      Add(Quoted(text), path,
          fmt::format("satisfy regular expression pattern: {}", shape.pattern->text));
    }
    if (shape.values.empty()) return;
    for (const std::string_view allowed : shape.values) {
      if (text == allowed) return;
    }
    Add(Quoted(text), path,
        fmt::format("satisfy enum value set: [{}]", fmt::join(shape.values, ", ")));
  }

  std::vector<std::string> violations_;
};

}  // namespace

int64_t TextLength(std::string_view utf8) {
  int64_t units = 0;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) == 0x80) continue;
    units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}

Json KnownPart(const Shape& shape, const Json& input) {
  if (shape.kind == Kind::kStructure && input.is_object()) {
    Json out = Json(Json::Object());
    for (const Member& member : shape.members) {
      const Json& found = input[member.name];
      if (!found.is_null()) out.Set(member.name, KnownPart(*member.shape, found));
    }
    return out;
  }
  if (shape.kind == Kind::kList && input.is_array()) {
    Json out = Json(Json::Array());
    for (const Json& element : input.array()) out.Push(KnownPart(*shape.element, element));
    return out;
  }
  if (shape.kind == Kind::kMap && input.is_object()) {
    Json out = Json(Json::Object());
    for (const auto& [key, element] : input.object())
      out.Set(key, KnownPart(*shape.element, element));
    return out;
  }
  return input;
}

Status Validate(const Shape& shape, const Json& input) {
  Validator validator;
  PS_TRY_VOID(validator.CheckKinds(shape, input, std::string()));
  validator.CheckRules(shape, input, std::string());
  return validator.Verdict();
}

}  // namespace penstock::server::wire
