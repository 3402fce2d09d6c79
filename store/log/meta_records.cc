#include "store/log/meta_records.h"

#include <algorithm>

namespace penstock::store {
namespace {

void WriteText(ByteWriter& out, ByteSpan text) {
  out.Varint(text.size());
  out.Raw(text);
}
ByteSpan ReadText(ByteReader& in) { return in.Raw(in.Varint()); }
std::string ReadString(ByteReader& in) { return std::string(AsText(ReadText(in))); }

MetaRecord Make(MetaKind kind, ByteWriter& out) {
  MetaRecord record;
  record.kind = kind;
  record.payload = out.Take();
  return record;
}

ShardId ReadShard(ByteReader& in) {
  std::array<uint8_t, 16> id{};
  const ByteSpan raw = in.Raw(id.size());
  std::copy(raw.begin(), raw.end(), id.begin());
  return ShardId::FromBytes(id);
}

template <class T>
Result<T> Whole(const ByteReader& in, T value) {
  if (!in.ok() || in.left() != 0)
    return Error(ErrorCode::kCorruption, "metadata record: damaged payload");
  return value;
}

}  // namespace

MetaRecord MakeClaimRecord(const ClaimRecord& claim) {
  ByteWriter out;
  out.Varint(claim.epoch);
  out.Varint(static_cast<uint64_t>(claim.server_ms));
  return Make(MetaKind::kClaim, out);
}

MetaRecord MakeCatalogRecord(const CatalogCommand& command) {
  ByteWriter out;
  WriteText(out, AsBytes(command.request_id));
  out.Varint(command.expects.size());
  for (const auto& expect : command.expects) {
    WriteText(out, AsBytes(expect.key));
    out.Varint(expect.version);
  }
  out.Varint(command.writes.size());
  for (const auto& write : command.writes) {
    WriteText(out, AsBytes(write.key));
    out.Le(static_cast<uint8_t>(write.present ? 1 : 0));
    WriteText(out, write.value);
  }
  return Make(MetaKind::kCatalogTxn, out);
}

MetaRecord MakeLowWaterRecord(const ShardId& shard, uint64_t ordinal) {
  ByteWriter out;
  out.Raw(shard.bytes());
  out.Varint(ordinal);
  return Make(MetaKind::kLowWater, out);
}

MetaRecord MakeReservationRecord(const ShardId& shard, uint64_t end) {
  ByteWriter out;
  out.Raw(shard.bytes());
  out.Varint(end);
  return Make(MetaKind::kReservation, out);
}

MetaRecord MakeReservationEndRecord(const ShardId& shard, uint64_t end) {
  ByteWriter out;
  out.Raw(shard.bytes());
  out.Varint(end);
  return Make(MetaKind::kReservationEnd, out);
}

MetaRecord MakeSegmentRecord(const SegmentRecord& segment, MetaKind kind) {
  ByteWriter out;
  out.Varint(segment.sequence);
  out.Varint(segment.retention_class);
  out.Varint(segment.epoch);
  out.Varint(static_cast<uint64_t>(segment.lost_ms));
  return Make(kind, out);
}

MetaRecord MakeSegmentsRemovedRecord(const std::vector<SegmentSeq>& sequences) {
  ByteWriter out;
  out.Varint(sequences.size());
  for (const SegmentSeq sequence : sequences) out.Varint(sequence);
  return Make(MetaKind::kSegmentsRemoved, out);
}

MetaRecord MakeSnapshotBegin(const SnapshotBeginRecord& begin) {
  ByteWriter out;
  out.Varint(begin.as_of);
  out.Varint(begin.catalog_counter);
  return Make(MetaKind::kSnapshotBegin, out);
}

MetaRecord MakeSnapshotEnd(const SnapshotEndRecord& end) {
  ByteWriter out;
  out.Varint(end.as_of);
  out.Varint(end.records);
  return Make(MetaKind::kSnapshotEnd, out);
}

MetaRecord MakeSnapshotCatalog(const CatalogEntryRecord& entry) {
  ByteWriter out;
  WriteText(out, AsBytes(entry.key));
  out.Varint(entry.version);
  WriteText(out, entry.value);
  return Make(MetaKind::kSnapshotCatalog, out);
}

MetaRecord MakeSnapshotRequest(const RequestRecord& request) {
  ByteWriter out;
  WriteText(out, AsBytes(request.id));
  out.Varint(request.counter);
  out.Le(static_cast<uint8_t>(request.applied ? 1 : 0));
  return Make(MetaKind::kSnapshotRequest, out);
}

Result<ClaimRecord> ParseClaim(ByteSpan payload) {
  ByteReader in(payload);
  ClaimRecord claim;
  claim.epoch = in.Varint();
  claim.server_ms = static_cast<int64_t>(in.Varint());
  return Whole(in, claim);
}

Result<CatalogCommand> ParseCatalogCommand(ByteSpan payload) {
  ByteReader in(payload);
  CatalogCommand command;
  command.request_id = ReadString(in);
  const uint64_t expects = in.Varint();
  for (uint64_t i = 0; i < expects && in.ok(); ++i) {
    CatalogCommand::Expectation expect;
    expect.key = ReadString(in);
    expect.version = in.Varint();
    command.expects.push_back(std::move(expect));
  }
  const uint64_t writes = in.Varint();
  for (uint64_t i = 0; i < writes && in.ok(); ++i) {
    CatalogCommand::Change change;
    change.key = ReadString(in);
    change.present = in.Le<uint8_t>() != 0;
    change.value = Bytes::Copy(ReadText(in));
    command.writes.push_back(std::move(change));
  }
  return Whole(in, std::move(command));
}

Result<LowWaterRecord> ParseLowWater(ByteSpan payload) {
  ByteReader in(payload);
  LowWaterRecord mark;
  mark.shard = ReadShard(in);
  mark.ordinal = in.Varint();
  return Whole(in, mark);
}

Result<ReservationRecord> ParseReservation(ByteSpan payload) {
  ByteReader in(payload);
  ReservationRecord reservation;
  reservation.shard = ReadShard(in);
  reservation.end = in.Varint();
  return Whole(in, reservation);
}

Result<SegmentRecord> ParseSegment(ByteSpan payload) {
  ByteReader in(payload);
  SegmentRecord segment;
  segment.sequence = in.Varint();
  segment.retention_class = static_cast<uint32_t>(in.Varint());
  segment.epoch = in.Varint();
  segment.lost_ms = static_cast<int64_t>(in.Varint());
  return Whole(in, segment);
}

Result<std::vector<SegmentSeq>> ParseSegmentsRemoved(ByteSpan payload) {
  ByteReader in(payload);
  std::vector<SegmentSeq> sequences;
  const uint64_t count = in.Varint();
  for (uint64_t i = 0; i < count && in.ok(); ++i) sequences.push_back(in.Varint());
  return Whole(in, std::move(sequences));
}

Result<SnapshotBeginRecord> ParseSnapshotBegin(ByteSpan payload) {
  ByteReader in(payload);
  SnapshotBeginRecord begin;
  begin.as_of = in.Varint();
  begin.catalog_counter = in.Varint();
  return Whole(in, begin);
}

Result<SnapshotEndRecord> ParseSnapshotEnd(ByteSpan payload) {
  ByteReader in(payload);
  SnapshotEndRecord end;
  end.as_of = in.Varint();
  end.records = in.Varint();
  return Whole(in, end);
}

Result<CatalogEntryRecord> ParseSnapshotCatalog(ByteSpan payload) {
  ByteReader in(payload);
  CatalogEntryRecord entry;
  entry.key = ReadString(in);
  entry.version = in.Varint();
  entry.value = Bytes::Copy(ReadText(in));
  return Whole(in, std::move(entry));
}

Result<RequestRecord> ParseSnapshotRequest(ByteSpan payload) {
  ByteReader in(payload);
  RequestRecord request;
  request.id = ReadString(in);
  request.counter = in.Varint();
  request.applied = in.Le<uint8_t>() != 0;
  return Whole(in, std::move(request));
}

}  // namespace penstock::store
