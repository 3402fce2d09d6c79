#include "base/json.h"

#include <cmath>

#include <boost/json/src.hpp>
#include <fmt/format.h>

namespace penstock {
namespace {

Json FromBoost(const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return Json();
    case boost::json::kind::bool_:
      return Json(value.get_bool());
    case boost::json::kind::int64:
      return Json(value.get_int64());
    case boost::json::kind::uint64:
      return Json(static_cast<double>(value.get_uint64()));
    case boost::json::kind::double_:
      return Json(value.get_double());
    case boost::json::kind::string:
      return Json(std::string(value.get_string()));
    case boost::json::kind::array: {
      Json::Array out;
      out.reserve(value.get_array().size());
      for (const auto& item : value.get_array()) out.push_back(FromBoost(item));
      return Json(std::move(out));
    }
    case boost::json::kind::object: {
      Json::Object out;
      out.reserve(value.get_object().size());
      for (const auto& [name, item] : value.get_object())
        out.emplace_back(std::string(name), FromBoost(item));
      return Json(std::move(out));
    }
  }
  return Json();
}

void DumpString(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

// indent < 0: one line.
void DumpValue(std::string& out, const Json& value, int indent) {
  const auto line = [&](int level) {
    if (indent >= 0) {
      out += '\n';
      out.append(static_cast<size_t>(level) * 2, ' ');
    }
  };
  const int inner = indent < 0 ? -1 : indent + 1;
  if (value.is_null()) {
    out += "null";
  } else if (value.is_bool()) {
    out += value.AsBool() ? "true" : "false";
  } else if (value.is_int()) {
    out += std::to_string(value.AsInt());
  } else if (value.is_number()) {
    out += std::isfinite(value.AsDouble()) ? fmt::format("{}", value.AsDouble()) : "null";
  } else if (value.is_string()) {
    DumpString(out, value.AsString());
  } else if (value.is_array()) {
    out += '[';
    bool first = true;
    for (const Json& item : value.array()) {
      if (!std::exchange(first, false)) out += ',';
      line(inner);
      DumpValue(out, item, inner);
    }
    if (!first) line(indent);
    out += ']';
  } else {
    out += '{';
    bool first = true;
    for (const auto& [name, item] : value.object()) {
      if (!std::exchange(first, false)) out += ',';
      line(inner);
      DumpString(out, name);
      out += indent < 0 ? ":" : ": ";
      DumpValue(out, item, inner);
    }
    if (!first) line(indent);
    out += '}';
  }
}

}  // namespace

Result<Json> Json::Parse(std::string_view text) {
  boost::json::error_code error;
  boost::json::parse_options options;
  options.max_depth = 64;
  const boost::json::value value =
      boost::json::parse(boost::json::string_view(text.data(), text.size()), error, {}, options);
  if (error)
    return Error(ErrorCode::kInvalidArgument, fmt::format("not valid JSON: {}", error.message()));
  return FromBoost(value);
}

std::string Json::Dump() const {
  std::string out;
  DumpValue(out, *this, -1);
  return out;
}

std::string Json::DumpIndented() const {
  std::string out;
  DumpValue(out, *this, 0);
  return out;
}

bool Json::AsBool(bool fallback) const { return is_bool() ? std::get<bool>(value_) : fallback; }

int64_t Json::AsInt(int64_t fallback) const {
  return is_int() ? std::get<int64_t>(value_) : fallback;
}

double Json::AsDouble(double fallback) const {
  if (is_int()) return static_cast<double>(std::get<int64_t>(value_));
  return is_number() ? std::get<double>(value_) : fallback;
}

std::string_view Json::AsString(std::string_view fallback) const {
  return is_string() ? std::string_view(std::get<std::string>(value_)) : fallback;
}

const Json::Array& Json::array() const {
  static const Array empty;
  return is_array() ? std::get<Array>(value_) : empty;
}

const Json::Object& Json::object() const {
  static const Object empty;
  return is_object() ? std::get<Object>(value_) : empty;
}

const Json& Json::operator[](std::string_view name) const {
  static const Json null;
  for (const auto& [key, value] : object()) {
    if (key == name) return value;
  }
  return null;
}

Json& Json::Set(std::string_view name, Json value) {
  if (is_null()) value_ = Object();
  CHECK(is_object());
  auto& members = std::get<Object>(value_);
  for (auto& [key, old] : members) {
    if (key == name) {
      old = std::move(value);
      return *this;
    }
  }
  members.emplace_back(std::string(name), std::move(value));
  return *this;
}

Json& Json::Push(Json value) {
  if (is_null()) value_ = Array();
  CHECK(is_array());
  std::get<Array>(value_).push_back(std::move(value));
  return *this;
}

}  // namespace penstock
