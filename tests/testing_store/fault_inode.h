// One file's bytes as a disk without power sees them: what is durable, and every change since.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"

namespace penstock::testing {

// What a disk writes whole or not at all.
inline constexpr uint64_t kSectorBytes = 512;

// Not thread-safe: FaultDisk holds its lock.
//
// Invariant: durable_ with all of changes_ applied in order == live_.
class FaultInode {
 public:
  FaultInode() = default;

  uint64_t size() const { return live_.size(); }
  // Grows the file when it ends beyond it.
  void Write(uint64_t offset, ByteSpan bytes);
  void SetSize(uint64_t bytes);
  size_t Read(uint64_t offset, std::span<uint8_t> out) const;
  const std::vector<uint8_t>& live() const { return live_; }

  // A sync covers what was written before it was called, not what was written while it ran: take
  // the mark when it is called.
  size_t mark() const { return first_change_ + changes_.size(); }
  void SyncTo(size_t mark);
  // A failed sync: the kernel may have thrown the dirty pages away, and the next sync says that all
  // is well.
  void DropUnsynced();
  // Changes the medium itself: damage that no write caused.
  void Flip(uint64_t offset, uint8_t mask);

  // The file a power cut may leave: of each sector any version since the last sync or the durable
  // one, of the sizes any one since.
  std::shared_ptr<FaultInode> AfterPowerCut(Prng& prng) const;

  // How often it is open: a file without a name keeps its blocks while it is.
  int open_count = 0;

 private:
  // A sector's whole content after a write, or (empty sector) a new size.
  struct Change {
    uint64_t at = 0;
    bool resize = false;
    std::array<uint8_t, kSectorBytes> sector;
  };
  static void Apply(const Change& change, std::vector<uint8_t>& raw, uint64_t& size);

  std::vector<uint8_t> live_;
  std::vector<uint8_t> durable_;
  std::vector<Change> changes_;
  size_t first_change_ = 0;  // how many changes were synced or dropped before changes_[0]
};

}  // namespace penstock::testing
