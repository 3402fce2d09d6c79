#include "store/log/footer.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/crc32c.h"

namespace penstock::store {
namespace {

constexpr std::string_view kTrailerMagic = "PSTKEND1";

Error Damaged(const char* what) {
  return Error(ErrorCode::kCorruption, std::string("footer: ") + what);
}

void Summarise(Footer& footer) {
  std::map<ShardId, FooterShard> shards;
  footer.body_bytes = 0;
  for (const FooterEntry& entry : footer.entries) {
    const ItemHeader& header = entry.item.header;
    footer.body_bytes += header.body_bytes;
    if (entry.item.is_track_set()) continue;
    FooterShard& shard = shards[entry.item.shard];
    shard.shard = entry.item.shard;
    ++shard.items;
    shard.body_bytes += header.body_bytes;
    shard.ordinal_min = std::min(shard.ordinal_min, header.ordinal);
    shard.ordinal_max = std::max(shard.ordinal_max, header.ordinal);
    shard.server_ms_min = std::min(shard.server_ms_min, header.number.server_ms);
    shard.server_ms_max = std::max(shard.server_ms_max, header.number.server_ms);
  }
  footer.shards.clear();
  footer.server_ms_min = 0;
  footer.server_ms_max = 0;
  for (const auto& [id, shard] : shards) {
    const bool first = footer.shards.empty();
    footer.server_ms_min =
        first ? shard.server_ms_min : std::min(footer.server_ms_min, shard.server_ms_min);
    footer.server_ms_max =
        first ? shard.server_ms_max : std::max(footer.server_ms_max, shard.server_ms_max);
    footer.shards.push_back(shard);
  }
}

void WriteShard(ByteWriter& out, const FooterShard& shard) {
  out.Raw(shard.shard.bytes());
  out.Le(shard.items);
  out.Le(shard.body_bytes);
  out.Le(shard.ordinal_min);
  out.Le(shard.ordinal_max);
  out.Le(shard.server_ms_min);
  out.Le(shard.server_ms_max);
}

FooterShard ReadShard(ByteReader& in) {
  FooterShard shard;
  std::array<uint8_t, 16> id{};
  const ByteSpan raw = in.Raw(id.size());
  std::copy(raw.begin(), raw.end(), id.begin());
  shard.shard = ShardId::FromBytes(id);
  shard.items = in.Le<uint64_t>();
  shard.body_bytes = in.Le<uint64_t>();
  shard.ordinal_min = in.Le<uint64_t>();
  shard.ordinal_max = in.Le<uint64_t>();
  shard.server_ms_min = in.Le<int64_t>();
  shard.server_ms_max = in.Le<int64_t>();
  return shard;
}

struct FixedPart : FooterHead {
  uint32_t bytes = 0;
  uint64_t entries = 0;
  uint32_t shards = 0;
};

// Its first kFooterFixedBytes.
Result<FixedPart> ReadFixed(ByteReader& in) {
  FixedPart fixed;
  const auto magic = in.Le<uint32_t>();
  fixed.bytes = in.Le<uint32_t>();
  if (magic != kFooterMagic || fixed.bytes < kFooterFixedBytes) return Damaged("no magic");
  in.Skip(8);
  fixed.first_lsn = in.Le<uint64_t>();
  fixed.last_lsn = in.Le<uint64_t>();
  fixed.durable_lsn = in.Le<uint64_t>();
  fixed.data_end = in.Le<uint64_t>();
  fixed.entries = in.Le<uint64_t>();
  fixed.shards = in.Le<uint32_t>();
  fixed.last_crc = in.Le<uint32_t>();
  fixed.server_ms_min = in.Le<int64_t>();
  fixed.server_ms_max = in.Le<int64_t>();
  fixed.body_bytes = in.Le<uint64_t>();
  const auto kind = in.Le<uint8_t>();
  const auto version = in.Le<uint8_t>();
  in.Skip(6);
  if (kind > static_cast<uint8_t>(ItemKind::kTrackSet) || version > kItemCopyVersion)
    return Error(ErrorCode::kUnsupported, "footer: entries of a newer program");
  return fixed;
}

uint32_t FooterCrc(ByteSpan footer, const Uuid& uuid) { return Crc32cExtend(Crc32c(uuid), footer); }

size_t EntryBytes(const FooterEntry& entry) { return 8 + AlignUp(ItemRecordBytes(entry.item), 8); }

// Behind the footer: zeros up to the trailer, then the trailer.
void WriteTrailer(ByteWriter& out, uint64_t footer_offset, const Uuid& uuid) {
  const uint64_t footer_bytes = out.size();
  const uint32_t footer_crc = FooterCrc(out.span(), uuid);
  const uint32_t head_crc = FooterCrc(out.span().first(kFooterFixedBytes), uuid);
  const uint64_t total = AlignUp(footer_bytes + kTrailerBytes, kBlockBytes);
  out.Zero(total - kTrailerBytes - footer_bytes);
  ByteWriter trailer;
  trailer.Text(kTrailerMagic);
  trailer.Le(footer_offset);
  trailer.Le(footer_bytes);
  trailer.Le(footer_crc);
  trailer.Le(kFormatVersion);
  trailer.Raw(uuid);
  trailer.Le(footer_offset + total);
  trailer.Le(head_crc);
  trailer.Le(Crc32c(trailer.span()));
  out.Raw(trailer.span());
}

}  // namespace

std::vector<uint8_t> EncodeFooter(Footer& footer, const Uuid& uuid) {
  std::sort(footer.entries.begin(), footer.entries.end(),
            [](const FooterEntry& a, const FooterEntry& b) {
              return std::tie(a.item.shard, a.item.header.number.index, a.lsn) <
                     std::tie(b.item.shard, b.item.header.number.index, b.lsn);
            });
  Summarise(footer);
  uint8_t largest_kind = 0;
  uint8_t largest_version = 0;
  size_t bytes = kFooterFixedBytes + footer.shards.size() * kFooterShardBytes;
  for (const FooterEntry& entry : footer.entries) {
    largest_kind = std::max(largest_kind, static_cast<uint8_t>(entry.item.header.kind));
    largest_version = std::max(largest_version, ItemRecordVersion(entry.item));
    bytes += EntryBytes(entry);
  }
  ByteWriter out;
  out.buffer().reserve(AlignUp(bytes + kTrailerBytes, kBlockBytes));
  out.Le(kFooterMagic);
  out.Le(static_cast<uint32_t>(kFooterFixedBytes));
  out.Le(static_cast<uint64_t>(bytes));
  out.Le(footer.first_lsn);
  out.Le(footer.last_lsn);
  out.Le(footer.durable_lsn);
  out.Le(footer.data_end);
  out.Le(static_cast<uint64_t>(footer.entries.size()));
  out.Le(static_cast<uint32_t>(footer.shards.size()));
  out.Le(footer.last_crc);
  out.Le(footer.server_ms_min);
  out.Le(footer.server_ms_max);
  out.Le(footer.body_bytes);
  out.Le(largest_kind);
  out.Le(largest_version);
  out.Zero(6);
  for (const FooterShard& shard : footer.shards) WriteShard(out, shard);
  for (const FooterEntry& entry : footer.entries) {
    out.Le(entry.lsn);
    const size_t padding = EntryBytes(entry) - 8 - ItemRecordBytes(entry.item);
    WriteItemRecord(out, entry.item, padding);
    out.Zero(padding);
  }
  CHECK(out.size() == bytes);
  WriteTrailer(out, footer.data_end, uuid);
  return std::move(out.buffer());
}

Result<Trailer> DecodeTrailer(ByteSpan bytes, uint64_t file_bytes, const Uuid& uuid) {
  if (bytes.size() != kTrailerBytes) return Damaged("no trailer");
  ByteReader in(bytes);
  if (AsText(in.Raw(8)) != kTrailerMagic) return Damaged("no trailer");
  Trailer trailer;
  trailer.footer_offset = in.Le<uint64_t>();
  trailer.footer_bytes = in.Le<uint64_t>();
  trailer.footer_crc = in.Le<uint32_t>();
  const auto version = in.Le<uint32_t>();
  const ByteSpan raw = in.Raw(uuid.size());
  const bool same_uuid = std::equal(raw.begin(), raw.end(), uuid.begin(), uuid.end());
  const auto stated_bytes = in.Le<uint64_t>();
  trailer.head_crc = in.Le<uint32_t>();
  if (in.Le<uint32_t>() != Crc32c(bytes.first(kTrailerBytes - 4)))
    return Damaged("trailer: wrong CRC");
  if (version != kFormatVersion)
    return Error(ErrorCode::kUnsupported, "footer: of a newer program");
  if (!same_uuid || stated_bytes != file_bytes) return Damaged("trailer: of another file");
  const bool fits = trailer.footer_bytes >= kFooterFixedBytes &&
                    trailer.footer_offset <= file_bytes &&
                    trailer.footer_bytes <= file_bytes - trailer.footer_offset;
  if (!fits || trailer.footer_offset % kBlockBytes != 0) return Damaged("trailer: bad lengths");
  return trailer;
}

Result<FooterHead> DecodeFooterHead(ByteSpan bytes, const Trailer& trailer, const Uuid& uuid) {
  if (bytes.size() < kFooterFixedBytes) return Damaged("cut short");
  if (FooterCrc(bytes.first(kFooterFixedBytes), uuid) != trailer.head_crc)
    return Damaged("wrong CRC of its fixed part");
  ByteReader in(bytes);
  PS_TRY(FixedPart fixed, ReadFixed(in));
  return static_cast<FooterHead>(fixed);
}

Result<Footer> DecodeFooter(ByteSpan bytes, const Trailer& trailer, const Uuid& uuid) {
  if (bytes.size() != trailer.footer_bytes) return Damaged("cut short");
  if (FooterCrc(bytes, uuid) != trailer.footer_crc) return Damaged("wrong CRC");
  ByteReader in(bytes);
  PS_TRY(const FixedPart fixed, ReadFixed(in));
  Footer footer;
  static_cast<FooterHead&>(footer) = fixed;
  in.Skip(fixed.bytes - kFooterFixedBytes);
  for (uint32_t i = 0; i < fixed.shards && in.ok(); ++i) footer.shards.push_back(ReadShard(in));
  for (uint64_t i = 0; i < fixed.entries; ++i) {
    FooterEntry entry;
    entry.lsn = in.Le<uint64_t>();
    PS_TRY(Record record, ReadRecord(in));
    if (!record.is_item) return Damaged("an entry that is no item");
    entry.item = std::move(record.item);
    footer.entries.push_back(std::move(entry));
  }
  if (!in.ok()) return Damaged("cut short");
  return footer;
}

}  // namespace penstock::store
