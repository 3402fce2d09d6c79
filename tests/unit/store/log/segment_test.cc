#include <fstream>

#include "base/random.h"
#include "tests/unit/store/log/segment_builder.h"

namespace penstock::store {
namespace {

using ::testing::ElementsAre;

SegmentBuilder Small() {
  SegmentBuilder builder;
  builder.Fragment(11, 0, "first body", "meta 1")
      .Fragment(12, 1, std::string(5000, 'x'), "")
      .Fragment(13, 2, "", "meta 3");
  return builder;
}

TEST(SegmentTest, TornTailIsCutAtTheLastWholeBatchWhateverTheLength) {
  SegmentBuilder whole = Small();
  for (size_t length = kBlockBytes; length <= whole.bytes().size(); ++length) {
    std::vector<Lsn> expected;
    for (size_t i = 0; i < whole.ends().size(); ++i) {
      if (whole.ends()[i] <= length) expected.push_back(11 + i);
    }
    // Cut, and cut within a preallocated file.
    EXPECT_EQ(ScanLsns(ByteSpan(whole.bytes()).first(length), whole.header()), expected) << length;
    if (length % 97 != 0) continue;
    std::vector<uint8_t> zeros = whole.bytes();
    std::fill(zeros.begin() + static_cast<std::ptrdiff_t>(length), zeros.end(), 0);
    const auto found = ScanLsns(zeros, whole.header());
    EXPECT_GE(found.size(), expected.size()) << length;  // a cut in the padding harms nothing
  }
}

TEST(SegmentTest, AWrongByteInAHeadIsNoticedAndTheBatchesAfterItAreFound) {
  SegmentBuilder whole = Small();
  std::vector<uint8_t> damaged = whole.bytes();
  damaged[whole.ends()[0] + 200] ^= 1;
  EXPECT_THAT(ScanLsns(damaged, whole.header()), ElementsAre(11, 13));
}

TEST(SegmentTest, EveryByteOfAHeadIsCovered) {
  SegmentBuilder whole = Small();
  MemorySource source(whole.bytes());
  std::vector<uint32_t> heads;
  ASSERT_TRUE(ScanSegment(source, whole.header(), [&](ScannedBatch batch) -> Status {
                heads.push_back(batch.header.head_bytes);
                return {};
              }).ok());
  for (uint32_t at = 0; at < heads[0]; ++at) {
    std::vector<uint8_t> damaged = whole.bytes();
    damaged[kBlockBytes + at] ^= 0x40;
    EXPECT_THAT(ScanLsns(damaged, whole.header()), ElementsAre(12, 13)) << at;
  }
}

TEST(SegmentTest, BatchesOfAnotherSegmentsLifeAreNotBelieved) {
  SegmentBuilder whole = Small();
  SegmentHeader other = whole.header();
  other.uuid[3] ^= 1;
  EXPECT_THAT(ScanLsns(whole.bytes(), other), ElementsAre());
}

TEST(SegmentTest, AFooterGivesBackItsEntriesSorted) {
  SegmentBuilder sealed;
  sealed.Fragment(11, 1, "b", "m").Fragment(12, 0, "aa", "m").Seal();
  EXPECT_EQ(sealed.bytes().size() % kBlockBytes, 0u);
  MemorySource source(sealed.bytes());
  const auto footer = ReadFooter(source, sealed.header());
  ASSERT_TRUE(footer.ok()) << footer.error().ToString();
  ASSERT_EQ(footer->entries.size(), 2u);
  EXPECT_EQ(footer->entries[0].item.header.ordinal, 0u);
  EXPECT_EQ(footer->entries[0].lsn, 12u);
  EXPECT_EQ(footer->entries[1].item.header.ordinal, 1u);
  ASSERT_EQ(footer->shards.size(), 1u);
  EXPECT_EQ(footer->shards[0].items, 2u);
  EXPECT_EQ(footer->shards[0].body_bytes, 3u);
  EXPECT_EQ(footer->shards[0].ordinal_max, 1u);
  EXPECT_EQ(footer->last_lsn, 12u);
}

TEST(SegmentTest, AnyWrongByteOfAFooterIsNoticed) {
  SegmentBuilder sealed = Small();
  const size_t footer_at = sealed.bytes().size();
  sealed.Seal();
  for (size_t at = footer_at; at < footer_at + 400; ++at) {
    std::vector<uint8_t> damaged = sealed.bytes();
    damaged[at] ^= 0x10;
    MemorySource source(damaged);
    EXPECT_EQ(ReadFooter(source, sealed.header()).error().code(), ErrorCode::kCorruption) << at;
  }
}

TEST(SegmentTest, TheFixedPartOfAFooterIsReadAloneAndCoveredByItself) {
  SegmentBuilder sealed = Small();
  const size_t footer_at = sealed.bytes().size();
  sealed.Seal();
  MemorySource source(sealed.bytes());
  const auto head = ReadFooterHead(source, sealed.header());
  ASSERT_TRUE(head.ok()) << head.error().ToString();
  EXPECT_EQ(head->first_lsn, 11u);
  EXPECT_EQ(head->last_lsn, 13u);
  EXPECT_EQ(head->durable_lsn, 13u);
  EXPECT_EQ(head->data_end, footer_at);
  EXPECT_EQ(head->server_ms_max, 1'768'478'402'123);
  EXPECT_EQ(head->body_bytes, 5010u);
  for (size_t at = footer_at; at < footer_at + kFooterFixedBytes; ++at) {
    std::vector<uint8_t> damaged = sealed.bytes();
    damaged[at] ^= 0x10;
    MemorySource wrong(damaged);
    const auto noticed = ReadFooterHead(wrong, sealed.header());
    ASSERT_FALSE(noticed.ok()) << at;
    EXPECT_EQ(noticed.error().code(), ErrorCode::kCorruption) << at;
  }
  sealed.bytes()[footer_at + kFooterFixedBytes + 100] ^= 0x10;
  EXPECT_TRUE(ReadFooterHead(source, sealed.header()).ok()) << "it needs no entry";
  EXPECT_EQ(ReadFooter(source, sealed.header()).error().code(), ErrorCode::kCorruption);
}

TEST(SegmentTest, AFooterWithEntriesOfANewerProgramIsRefusedByItsFixedPart) {
  SegmentBuilder newer(24);
  newer.Fragment(11, 0, "b", "m").Entry(0).item.header.kind = static_cast<ItemKind>(6);
  newer.Seal();
  MemorySource source(newer.bytes());
  const auto head = ReadFooterHead(source, newer.header());
  ASSERT_FALSE(head.ok());
  EXPECT_EQ(head.error().code(), ErrorCode::kUnsupported);
}

// Programs that know no copies would count them as more items.
TEST(SegmentTest, ACopySaysSoByItsVersionWhichOlderProgramsRefuse) {
  SegmentBuilder copies(24);
  copies.Fragment(11, 0, "b", "m");
  ItemRecord& item = copies.Entry(0).item;
  item.copy = true;
  ByteWriter out;
  WriteItemRecord(out, item, AlignUp(ItemRecordBytes(item), 8) - ItemRecordBytes(item));
  out.Zero(AlignUp(out.size(), 8) - out.size());
  EXPECT_EQ(out.buffer()[5], 2u);
  ByteReader in(out.span());
  const auto read = ReadRecord(in);
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  EXPECT_TRUE(read->item.copy);
  out.buffer()[5] = 3;
  ByteReader newer(out.span());
  EXPECT_EQ(ReadRecord(newer).error().code(), ErrorCode::kUnsupported);
  Footer footer;
  footer.data_end = kBlockBytes;
  footer.entries.push_back({11, item});
  EXPECT_EQ(EncodeFooter(footer, Uuid{})[89], 2u);
}

TEST(SegmentTest, AnItemsBytesAreComparedWithTheirChecksums) {
  SegmentBuilder whole = Small();
  MemorySource source(whole.bytes());
  std::vector<ItemRecord> items;
  ASSERT_TRUE(ScanSegment(source, whole.header(), [&](ScannedBatch batch) -> Status {
                items.push_back(batch.records[0].item);
                return {};
              }).ok());
  for (const ItemRecord& item : items) EXPECT_TRUE(VerifyItemBytes(source, item).ok());
  whole.bytes()[items[1].extents[0].offset + 4999] ^= 1;
  EXPECT_EQ(VerifyItemBytes(source, items[1]).error().code(), ErrorCode::kCorruption);
  whole.bytes()[items[2].meta_offset] ^= 1;
  EXPECT_EQ(VerifyItemBytes(source, items[2]).error().code(), ErrorCode::kCorruption);
}

TEST(SegmentTest, ARecordOfANewerProgramIsRefusedByName) {
  SegmentBuilder builder;
  ByteWriter head;
  head.Zero(BatchRecordsOffset(1));
  head.Le(uint32_t{16});
  head.Le(uint8_t{99});
  head.Le(uint8_t{1});
  head.Le(uint16_t{8});
  head.Zero(8);
  builder.Batch(11, std::move(head.buffer()), 1);
  MemorySource source(builder.bytes());
  const auto result = ScanSegment(source, builder.header(), [](ScannedBatch) { return Status(); });
  EXPECT_EQ(result.error().code(), ErrorCode::kUnsupported);
}

TEST(SegmentTest, NamesRoundTripAndStrangersAreLeftAlone) {
  EXPECT_EQ(SegmentFileName({7, 24}), "0000000007-24h.segment");
  EXPECT_EQ(SegmentFileName({8, kMetaClass}), "0000000008-meta.segment");
  const auto parsed = ParseSegmentFileName("0000000007-24h.segment");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->sequence, 7u);
  EXPECT_EQ(parsed->retention_class, 24u);
  for (const char* name : {"x", "7.segment", "7-h.segment", "-meta.segment", "7-0h.segment",
                           "7-24h.segment.bak", "7-24x.segment"}) {
    EXPECT_FALSE(ParseSegmentFileName(name).has_value()) << name;
  }
}

TEST(SegmentTest, NoiseNeverPassesAndNeverCrashes) {
  const uint64_t seed = RandomU64();
  SCOPED_TRACE(seed);
  Prng prng(seed);
  for (int round = 0; round < 300; ++round) {
    SegmentBuilder builder = Small();
    builder.Seal();
    for (uint64_t flips = 1 + prng.Below(20); flips > 0; --flips) {
      builder.bytes()[kBlockBytes + prng.Below(builder.bytes().size() - kBlockBytes)] =
          static_cast<uint8_t>(prng.Next());
    }
    ScanLsns(builder.bytes(), builder.header());
    MemorySource source(builder.bytes());
    (void)ReadFooter(source, builder.header());
  }
}

constexpr const char* kGoldenFirst = "tests/unit/store/golden/segment-v1.bin";
constexpr const char* kGoldenNow = "tests/unit/store/golden/segment-v1-head-crc.bin";

std::string Golden(const char* path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

// The first file was written when format 1 was made, the other when footers got a CRC of their
// fixed part. Both are read, byte for byte, by every later program.
TEST(SegmentTest, TheGoldenSegmentsAreRead) {
  for (const char* path : {kGoldenFirst, kGoldenNow}) {
    SCOPED_TRACE(path);
    const std::string golden = Golden(path);
    MemorySource source(AsBytes(golden));
    const auto header = ReadSegmentHeader(source);
    ASSERT_TRUE(header.ok());
    EXPECT_EQ(header->sequence, 7u);
    EXPECT_THAT(ScanLsns(AsBytes(golden), *header), ElementsAre(11, 12, 13));
    const auto head = ReadFooterHead(source, *header);
    ASSERT_TRUE(head.ok());
    EXPECT_EQ(head->last_lsn, 13u);
    const auto footer = ReadFooter(source, *header);
    ASSERT_TRUE(footer.ok());
    EXPECT_EQ(footer->entries[0].item.header.number.ToString(),
              "91343868666735044597728308918612672853024392551");
  }
}

TEST(SegmentTest, TheGoldenSegmentIsWrittenTheSame) {
  SegmentBuilder builder = Small();
  builder.Seal();
  if (std::getenv("PENSTOCK_WRITE_GOLDEN") != nullptr) {
    std::ofstream(kGoldenNow, std::ios::binary)
        .write(reinterpret_cast<const char*>(builder.bytes().data()),
               static_cast<std::streamsize>(builder.bytes().size()));
  }
  EXPECT_TRUE(AsText(builder.bytes()) == Golden(kGoldenNow));
}

// Annotated bytes of one batch with one fragment of three bytes and a meta of two (docs/format.md
// §8).
TEST(SegmentTest, ABatchHasTheDocumentedBytes) {
  SegmentBuilder builder;
  builder.Fragment(11, 0, "abc", "de");
  const ByteSpan at = ByteSpan(builder.bytes()).subspan(kBlockBytes);
  const auto hex = [&](size_t offset, size_t bytes) {
    std::string out;
    for (size_t i = 0; i < bytes; ++i) {
      const char* digits = "0123456789abcdef";
      out += digits[at[offset + i] >> 4];
      out += digits[at[offset + i] & 15];
    }
    return out;
  };
  EXPECT_EQ(hex(0, 4), "50534254");           // "PSBT"
  EXPECT_EQ(hex(4, 4), "f0000000");           // head: 64 + 8 + 168 = 240 bytes
  EXPECT_EQ(hex(8, 8), "0b00000000000000");   // LSN 11
  EXPECT_EQ(hex(16, 8), "0a00000000000000");  // durable LSN 10
  EXPECT_EQ(hex(24, 8), "0300000000000000");  // epoch 3
  EXPECT_EQ(hex(32, 8), "0010000000000000");  // the part has 4,096 bytes
  EXPECT_EQ(hex(40, 8), "4be686c19b010000");  // newest server time, 1768478402123 ms
  EXPECT_EQ(hex(48, 4), "01000000");          // one record
  EXPECT_EQ(hex(52, 4), "00000100");          // part 0 of 1
  EXPECT_EQ(hex(64, 8), "0700000000000000");  // in segment 7
  EXPECT_EQ(hex(72, 4), "a8000000");          // the record has 168 bytes
  EXPECT_EQ(hex(76, 4), "01018800");          // kind 1, version 1, fixed part 136
  EXPECT_EQ(hex(80, 16), "101112131415161718191a1b1c1d1e1f");  // shard
  EXPECT_EQ(hex(96, 8), "0100000000030000");                   // index: epoch 3, counter 1
  EXPECT_EQ(hex(112, 4), "67452301");                          // salt 0x1234567
  EXPECT_EQ(hex(116, 4), "10000000");                          // flags: starts a run
  EXPECT_EQ(hex(178, 2), "0100");                              // one extent
  EXPECT_EQ(hex(180, 4), "01000000");                          // one body CRC
  EXPECT_EQ(hex(184, 4), "03000000");                          // body: 3 bytes
  EXPECT_EQ(hex(188, 4), "02000000");                          // meta: 2 bytes
  EXPECT_EQ(hex(208, 8), "e410000000000000");  // the extent: at 4096 + 228 of the file
  EXPECT_EQ(hex(216, 4), "03000000");          // 3 bytes
  EXPECT_EQ(hex(228, 5), "6162636465");        // "abc", "de"
  EXPECT_EQ(hex(233, 7), "00000000000000");    // zeros to a multiple of 8
}

}  // namespace
}  // namespace penstock::store
