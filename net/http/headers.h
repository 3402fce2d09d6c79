// Header fields, and the small words their values are made of. Knows nothing of sockets, so that
// parsers can use it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::net {

// ASCII only, as in HTTP.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);
// Without spaces and tabs at both ends.
std::string_view TrimSpaces(std::string_view text);
// The next element of a comma-separated list, trimmed; `list` is what follows. May be empty between
// two commas. A comma within a quoted string does not separate.
std::string_view NextListElement(std::string_view& list);
// Whether a comma-separated list has this element, without case.
bool ListContains(std::string_view list, std::string_view element);

// Header fields in order; names compare without case.
class Headers {
 public:
  void Add(std::string_view name, std::string_view value) { fields_.emplace_back(name, value); }
  // Replaces all of that name.
  void Set(std::string_view name, std::string_view value);
  void Remove(std::string_view name);
  // The first one, or empty.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const { return Count(name) > 0; }
  size_t Count(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace penstock::net
