// JSON values behind our own type, so that only base/json.cc compiles a JSON library.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace penstock {

class Json {
 public:
  using Array = std::vector<Json>;
  // Keeps the order in which members were added; looked up linearly (objects here are small).
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;                    // null
  Json(std::nullptr_t) {}              // NOLINT: implicit on purpose, as all below
  Json(bool value) : value_(value) {}  // NOLINT
  template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) Json(T value)
      : value_(static_cast<int64_t>(value)) {}                  // NOLINT
  Json(double value) : value_(value) {}                         // NOLINT
  Json(std::string value) : value_(std::move(value)) {}         // NOLINT
  Json(std::string_view value) : value_(std::string(value)) {}  // NOLINT
  Json(const char* value) : value_(std::string(value)) {}       // NOLINT
  Json(Array value) : value_(std::move(value)) {}               // NOLINT
  Json(Object value) : value_(std::move(value)) {}              // NOLINT

  // At most 64 levels deep; a duplicate member's last value wins.
  static Result<Json> Parse(std::string_view text);
  std::string Dump() const;          // compact, one line
  std::string DumpIndented() const;  // two spaces, for people

  bool is_null() const { return value_.index() == 0; }
  bool is_bool() const { return value_.index() == 1; }
  bool is_int() const { return value_.index() == 2; }
  bool is_number() const { return value_.index() == 2 || value_.index() == 3; }
  bool is_string() const { return value_.index() == 4; }
  bool is_array() const { return value_.index() == 5; }
  bool is_object() const { return value_.index() == 6; }

  // The value, or the fallback if it is of another kind.
  bool AsBool(bool fallback = false) const;
  int64_t AsInt(int64_t fallback = 0) const;
  double AsDouble(double fallback = 0) const;
  std::string_view AsString(std::string_view fallback = "") const;
  // Empty if it is of another kind.
  const Array& array() const;
  const Object& object() const;

  // A member; null if this is no object or has no such member.
  const Json& operator[](std::string_view name) const;
  // Adds or replaces a member; a null becomes an object first. Returns *this, for chains.
  Json& Set(std::string_view name, Json value);
  // Appends to an array; a null becomes an array first.
  Json& Push(Json value);

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

}  // namespace penstock
