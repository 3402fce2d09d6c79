#include "base/bytes.h"

#include "base/byte_io.h"
#include "base/chunk_pool.h"
#include "base/crc32c.h"
#include "base/json.h"
#include "base/random.h"

namespace penstock {
namespace {

std::vector<uint8_t> Noise(size_t size, uint64_t seed) {
  Prng prng(seed);
  std::vector<uint8_t> out(size);
  for (uint8_t& byte : out) byte = static_cast<uint8_t>(prng.Next());
  return out;
}

TEST(ChunkWriterTest, BytesComeBackWhateverThePieces) {
  const std::vector<uint8_t> source = Noise(200'001, 1);
  ChunkWriter writer;
  for (size_t at = 0; at < source.size(); at += 777) {
    writer.Write(ByteSpan(source).subspan(at, std::min<size_t>(777, source.size() - at)));
  }
  const ByteChain chain = writer.Finish();
  EXPECT_EQ(chain.pieces().size(), 4u);
  EXPECT_TRUE(IsDirectIoReady(chain));
  const Bytes flat = chain.Flatten();
  EXPECT_TRUE(std::equal(source.begin(), source.end(), flat.data(), flat.data() + flat.size()));
  const Bytes slice = chain.Slice(65'000, 2'000).Flatten();
  EXPECT_EQ(std::memcmp(slice.data(), source.data() + 65'000, 2'000), 0);
  EXPECT_EQ(writer.size(), 0u);
}

TEST(ChunkWriterTest, PatchCrossesChunks) {
  ChunkWriter writer;
  writer.Write(Noise(kChunkBytes + 100, 2));
  const std::vector<uint8_t> patch(8, 0xee);
  writer.Patch(kChunkBytes - 4, patch);
  const Bytes flat = writer.Finish().Flatten();
  EXPECT_EQ(std::memcmp(flat.data() + kChunkBytes - 4, patch.data(), 8), 0);
}

TEST(ChunkWriterTest, ChunksReturnToThePool) {
  const size_t before = GetChunkPoolStats().used;
  {
    ChunkWriter writer;
    writer.Write(Noise(kChunkBytes * 3, 3));
    const ByteChain chain = writer.Finish();
    EXPECT_EQ(GetChunkPoolStats().used, before + 3);
  }
  EXPECT_EQ(GetChunkPoolStats().used, before);
}

TEST(ChunkWriterTest, OrdinaryMemoryIsNotTakenForDirectIo) {
  EXPECT_FALSE(IsDirectIoReady(ByteChain(Bytes::Copy("hello"))));
}

TEST(Crc32cTest, MatchesThePublishedVectors) {
  // RFC 3720, appendix B.4.
  EXPECT_EQ(Crc32c(std::vector<uint8_t>(32, 0x00)), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::vector<uint8_t>(32, 0xff)), 0x62a8ab43u);
  EXPECT_EQ(Crc32c(AsBytes("123456789")), 0xe3069283u);
  EXPECT_EQ(Crc32cExtend(Crc32c(AsBytes("1234")), AsBytes("56789")), 0xe3069283u);
}

TEST(ByteIoTest, EveryWidthRoundTripsAndTheEndIsAnError) {
  ByteWriter writer;
  writer.Le<uint32_t>(0x01020304);
  writer.Be<uint16_t>(0x0506);
  writer.Varint(300);
  writer.Zigzag(-5);
  writer.Zigzag(std::numeric_limits<int64_t>::min());
  writer.BeN(0x070809, 3);
  const Bytes bytes = writer.Take();
  ByteReader reader(bytes);
  EXPECT_EQ(reader.Le<uint32_t>(), 0x01020304u);
  EXPECT_EQ(reader.Be<uint16_t>(), 0x0506);
  EXPECT_EQ(reader.Varint(), 300u);
  EXPECT_EQ(reader.Zigzag(), -5);
  EXPECT_EQ(reader.Zigzag(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(reader.BeN(3), 0x070809u);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.Le<uint8_t>(), 0);
  EXPECT_FALSE(reader.ok());
}

TEST(JsonTest, TextRoundTripsAndOrderIsKept) {
  Json value;
  value.Set("b", 1).Set("a", "x\"\n").Set("list", Json::Array{Json(true), Json(), Json(1.5)});
  EXPECT_EQ(value.Dump(), R"({"b":1,"a":"x\"\n","list":[true,null,1.5]})");
  EXPECT_EQ(Json::Parse(value.Dump())->Dump(), value.Dump());
  EXPECT_EQ(Json::Parse("{").error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace penstock
