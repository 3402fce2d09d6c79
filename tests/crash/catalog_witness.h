// Remembers what the catalog was told to change and what it promised, across crashes.
#pragma once

#include <string>
#include <vector>

#include "store/catalog.h"

namespace penstock::testing {

// Some keys that are always written together: after every recovery they are all of one transaction,
// which is the last acknowledged one or one that was asked for since. One thread at a time, one
// transaction at a time.
class CatalogWitness {
 public:
  explicit CatalogWitness(std::string prefix) : prefix_(std::move(prefix)) {}

  // Writes the next value to all keys; every few values erase some of them. False if it was not
  // acknowledged.
  Task<bool> Change(store::Catalog& catalog);
  // Compares. An unfinished transaction is then sent once more under its request id, as a client
  // would: it must succeed whether the first attempt did or not.
  Task<void> Verify(store::Catalog& catalog);
  const std::vector<std::string>& broken() const { return broken_; }

 private:
  std::string Key(int which) const { return prefix_ + std::to_string(which); }
  // Value `step` of a key; empty: the key does not exist.
  std::string Value(int which, uint64_t step) const;
  bool Is(const store::Catalog& catalog, uint64_t step) const;
  std::string Show(const store::Catalog& catalog) const;
  std::vector<store::Expect> Expectations(const store::Catalog& catalog) const;
  std::vector<store::CatalogWrite> Writes(uint64_t step) const;

  const std::string prefix_;
  uint64_t acked_ = 0;
  uint64_t asked_ = 0;  // acked_, or acked_ + 1
  std::vector<store::Expect> expects_asked_;
  std::vector<std::string> broken_;
};

}  // namespace penstock::testing
