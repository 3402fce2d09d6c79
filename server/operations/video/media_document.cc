#include "server/operations/video/media_document.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/byte_io.h"
#include "fragmenter/ebml/ids.h"
#include "fragmenter/media.h"

namespace penstock::server::aws::video {
namespace {

namespace ebml = fragmenter::ebml;

// RFC 8794: a size in four bytes. Readers of these tags have only ever seen that form.
void Head(ByteWriter& out, uint32_t id, size_t id_bytes, size_t size) {
  out.BeN(id, static_cast<int>(id_bytes));
  out.Be(static_cast<uint32_t>(0x10000000u | size));
}

void SimpleTag(ByteWriter& out, std::string_view name, std::string_view value) {
  constexpr size_t kHeads = 2 * (2 + 4);
  Head(out, ebml::kSimpleTag, 2, kHeads + name.size() + value.size());
  Head(out, ebml::kTagName, 2, name.size());
  out.Text(name);
  Head(out, ebml::kTagString, 2, value.size());
  out.Text(value);
}

// One Tags with one Tag.
Bytes Tags(ByteWriter simple_tags) {
  const Bytes content = simple_tags.Take();
  ByteWriter out;
  Head(out, ebml::kTags, 4, 2 + 4 + content.size());
  Head(out, ebml::kTag, 2, content.size());
  out.Raw(content);
  return out.Take();
}

// Seconds with three decimals; times before 1970 have a minus.
std::string Seconds(int64_t ms) {
  return fmt::format("{}{}.{:03}", ms < 0 ? "-" : "", std::abs(ms / 1000), std::abs(ms % 1000));
}

}  // namespace

Bytes LeadTags(const store::ItemHeader& item) {
  const auto producer_ms =
      std::chrono::floor<std::chrono::milliseconds>(item.producer_time.time_since_epoch()).count();
  ByteWriter out;
  SimpleTag(out, "AWS_KINESISVIDEO_FRAGMENT_NUMBER", item.number.ToString());
  SimpleTag(out, "AWS_KINESISVIDEO_SERVER_TIMESTAMP", Seconds(ToMs(item.server_time)));
  SimpleTag(out, "AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", Seconds(producer_ms));
  return Tags(std::move(out));
}

Bytes TailTags(const store::ItemHeader& item, ServerTime now) {
  const int64_t behind = std::max<int64_t>((now - item.server_time).count(), 0);
  ByteWriter out;
  SimpleTag(out, "AWS_KINESISVIDEO_MILLIS_BEHIND_NOW", std::to_string(behind));
  SimpleTag(out, "AWS_KINESISVIDEO_CONTINUATION_TOKEN", item.number.ToString());
  return Tags(std::move(out));
}

Bytes ErrorDocument(const PayloadError& error, std::string_view number) {
  ByteWriter tags;
  SimpleTag(tags, "AWS_KINESISVIDEO_ERROR_CODE", error.code);
  SimpleTag(tags, "AWS_KINESISVIDEO_ERROR_ID", std::to_string(error.id));
  SimpleTag(tags, "AWS_KINESISVIDEO_FRAGMENT_NUMBER", number);
  ByteWriter out;
  out.Raw(fragmenter::EncodeMkvStart());
  out.Raw(Tags(std::move(tags)));
  return out.Take();
}

}  // namespace penstock::server::aws::video
