// Small named values with multi-key compare-and-set: streams, sources, keys. Durable, ordered by
// key, kept in lane 0.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/task.h"

namespace penstock::store {

struct CatalogEntry {
  std::string key;
  Bytes value;           // at most limits::kCatalogValueBytesMax
  uint64_t version = 0;  // grows with every change of this key; never 0 for an entry that exists
};

struct Expect {
  std::string key;
  uint64_t version = 0;  // 0: must not exist
};

struct CatalogWrite {
  std::string key;
  std::optional<Bytes> value;  // nullopt: erase
};

// Thread-safe. Reads come from memory and do not wait.
class Catalog {
 public:
  virtual ~Catalog() = default;
  virtual std::optional<CatalogEntry> Get(std::string_view key) const = 0;
  // Entries whose key starts with prefix, after `after` (empty: from the first), at most `limit`.
  virtual std::vector<CatalogEntry> Scan(std::string_view prefix, std::string_view after,
                                         size_t limit) const = 0;
  // All or nothing, durable when it completes. kConflict names the first expectation that did not
  // hold. A repeated request id (non-empty) gives the first outcome again.
  virtual Task<Status> Txn(std::vector<Expect> expects, std::vector<CatalogWrite> writes,
                           std::string request_id) = 0;
};

}  // namespace penstock::store
