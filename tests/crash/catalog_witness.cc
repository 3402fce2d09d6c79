#include "tests/crash/catalog_witness.h"

#include <fmt/format.h>

namespace penstock::testing {
namespace {

constexpr int kKeys = 3;

}  // namespace

std::string CatalogWitness::Value(int which, uint64_t step) const {
  const bool erased = step == 0 || (step + static_cast<uint64_t>(which)) % 5 == 0;
  if (erased) return {};
  return fmt::format("{} {} {}", prefix_, step, std::string(step * 131 % 1500, 'v'));
}

std::vector<store::Expect> CatalogWitness::Expectations(const store::Catalog& catalog) const {
  std::vector<store::Expect> expects;
  for (int which = 0; which < kKeys; ++which) {
    const auto entry = catalog.Get(Key(which));
    expects.push_back(store::Expect{.key = Key(which), .version = entry ? entry->version : 0});
  }
  return expects;
}

std::vector<store::CatalogWrite> CatalogWitness::Writes(uint64_t step) const {
  std::vector<store::CatalogWrite> writes;
  for (int which = 0; which < kKeys; ++which) {
    store::CatalogWrite& write = writes.emplace_back();
    write.key = Key(which);
    const std::string value = Value(which, step);
    if (!value.empty()) write.value = Bytes::Copy(value);
  }
  return writes;
}

Task<bool> CatalogWitness::Change(store::Catalog& catalog) {
  asked_ = acked_ + 1;
  expects_asked_ = Expectations(catalog);
  auto writes = Writes(asked_);
  auto expects = expects_asked_;
  std::string id = fmt::format("{}#{}", prefix_, asked_);
  const Status done = co_await catalog.Txn(std::move(expects), std::move(writes), std::move(id));
  if (!done.ok()) {
    if (done.error().code() == ErrorCode::kConflict)
      broken_.push_back("conflict: " + done.error().ToString());
    co_return false;
  }
  acked_ = asked_;
  if (!Is(catalog, acked_)) broken_.push_back("acknowledged, but reads " + Show(catalog));
  co_return true;
}

Task<void> CatalogWitness::Verify(store::Catalog& catalog) {
  if (!Is(catalog, acked_) && !Is(catalog, asked_)) {
    broken_.push_back(fmt::format("{}: acknowledged {}, asked {}, reads {}", prefix_, acked_,
                                  asked_, Show(catalog)));
  }
  if (asked_ == acked_) co_return;
  auto writes = Writes(asked_);
  auto expects = expects_asked_;
  std::string id = fmt::format("{}#{}", prefix_, asked_);
  const Status done = co_await catalog.Txn(std::move(expects), std::move(writes), std::move(id));
  // kIo and the like: the power went again; the attempt stays unfinished.
  if (!done.ok()) {
    if (done.error().code() == ErrorCode::kConflict)
      broken_.push_back("repeated: " + done.error().ToString());
    co_return;
  }
  acked_ = asked_;
  if (!Is(catalog, acked_)) broken_.push_back("repeated, but reads " + Show(catalog));
}

bool CatalogWitness::Is(const store::Catalog& catalog, uint64_t step) const {
  for (int which = 0; which < kKeys; ++which) {
    const auto entry = catalog.Get(Key(which));
    if ((entry ? entry->value.text() : std::string_view()) != Value(which, step)) return false;
    if (entry && entry->version == 0) return false;
  }
  return true;
}

std::string CatalogWitness::Show(const store::Catalog& catalog) const {
  std::string out;
  for (int which = 0; which < kKeys; ++which) {
    const auto entry = catalog.Get(Key(which));
    out += entry ? fmt::format("[{} v{}]", entry->value.text().substr(0, 20), entry->version)
                 : "[none]";
  }
  return out;
}

}  // namespace penstock::testing
