// Walks the batches of a segment, believing nothing (docs/format.md §5). Pure but for the
// ByteSource it reads from.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/log/batch.h"
#include "store/log/footer.h"

namespace penstock::store {

// Where a segment's bytes come from: a file, or memory in tests and fuzzers.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual uint64_t size() const = 0;
  // Exactly out.size() bytes, or an error. The range must lie within size().
  virtual Status Read(uint64_t offset, std::span<uint8_t> out) = 0;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(ByteSpan bytes) : bytes_(bytes) {}  // keeps a view
  uint64_t size() const override { return bytes_.size(); }
  Status Read(uint64_t offset, std::span<uint8_t> out) override;

 private:
  ByteSpan bytes_;
};

struct ScannedBatch {
  uint64_t offset = 0;
  BatchHeader header;
  std::vector<Record> records;
};

struct ScanDamage {
  uint64_t offset = 0;
  std::string what;
};

struct ScanResult {
  uint64_t end = kBlockBytes;  // behind the last valid part
  std::vector<ScanDamage> damages;
};

using BatchVisitor = std::function<Status(ScannedBatch)>;

Result<SegmentHeader> ReadSegmentHeader(ByteSource& source);

// Calls visit for each valid part, in order. Behind an invalid one it looks on at each block, for
// as far as a damaged part can reach. Bodies are not read. Errors: the source's, the visitor's,
// kUnsupported for records of a newer program.
Result<ScanResult> ScanSegment(ByteSource& source, const SegmentHeader& header,
                               const BatchVisitor& visit);

// kCorruption if the segment is not sealed.
Result<Trailer> ReadTrailer(ByteSource& source, const SegmentHeader& header);
// The fixed part of the footer, without what follows it; of older programs' segments all of it is
// read, since only the whole has a CRC there. Errors as of ReadFooter.
Result<FooterHead> ReadFooterHead(ByteSource& source, const SegmentHeader& header);
// kCorruption if the segment is not sealed or its footer is damaged.
Result<Footer> ReadFooter(ByteSource& source, const SegmentHeader& header);

// Compares an item's body and meta with their CRCs. kCorruption names what is wrong.
Status VerifyItemBytes(ByteSource& source, const ItemRecord& item);

}  // namespace penstock::store
