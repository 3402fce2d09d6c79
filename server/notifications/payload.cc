#include "server/notifications/payload.h"

#include <algorithm>

#include "fragmenter/ebml/ids.h"
#include "fragmenter/media.h"
#include "fragmenter/upload/elements.h"
#include "fragmenter/upload/tags.h"

namespace penstock::server::notifications {
namespace {

namespace ebml = fragmenter::ebml;
using fragmenter::Element;
using fragmenter::TakeElement;

// How many bytes a character of UTF-8 has here; 0: none begins here (RFC 3629).
size_t CharacterBytes(std::string_view text) {
  const auto at = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0u; };
  const auto follows = [&](size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned first = at(0), second = at(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool fits = (first != 0xe0 || second >= 0xa0) && (first != 0xed || second < 0xa0);
    return fits && follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool fits = (first != 0xf0 || second >= 0x90) && (first != 0xf4 || second < 0x90);
    return fits && follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

// Producers may send any bytes; JSON has characters only.
std::string Characters(ByteSpan bytes) {
  std::string_view text = AsText(bytes);
  text = text.substr(0, text.find('\0'));  // texts may be filled up with zeros (RFC 8794, 7.4)
  std::string out;
  while (!text.empty()) {
    const size_t size = CharacterBytes(text);
    out += size == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, size);
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  return out;
}

struct SimpleTag {
  std::string name;
  std::string value;
};

Result<SimpleTag> ReadSimpleTag(ByteSpan content) {
  SimpleTag tag;
  for (;;) {
    PS_TRY(const std::optional<Element> element, TakeElement(content));
    if (!element) return tag;
    if (element->id == ebml::kTagName) tag.name = Characters(element->content);
    if (element->id == ebml::kTagString) tag.value = Characters(element->content);
  }
}

// One Tag. What stands beside the wish goes to `tags`, which is there then.
Status ReadTag(ByteSpan content, std::optional<Json>& tags) {
  bool wished = false;
  Json own = Json(Json::Object());
  for (;;) {
    PS_TRY(const std::optional<Element> element, TakeElement(content));
    if (!element) break;
    if (element->id != ebml::kSimpleTag) continue;
    PS_TRY(SimpleTag tag, ReadSimpleTag(element->content));
    wished |= tag.name == fragmenter::kNotificationTag;
    if (!tag.name.starts_with(fragmenter::kServiceTags)) own.Set(tag.name, std::move(tag.value));
  }
  if (!wished) return Status();
  if (!tags) tags = Json(Json::Object());
  for (const auto& [name, value] : own.object()) tags->Set(name, value);
  return Status();
}

// Where the last frame ends: an element begins there, of the cluster or behind it.
Result<size_t> EndOfFrames(ByteSpan meta) {
  PS_TRY(const fragmenter::FrameTable table, fragmenter::FrameTable::Decode(meta));
  size_t end = 0;
  for (const fragmenter::Frame& frame : table.frames)
    end = std::max(end, size_t{frame.offset} + frame.size);
  return end;
}

}  // namespace

Result<std::optional<Json>> NotificationTags(const ByteChain& body, ByteSpan meta) {
  PS_TRY(const size_t begin, EndOfFrames(meta));
  if (begin > body.size()) return Error(ErrorCode::kCorruption, "a frame behind the body's end");
  const Bytes flat = body.Slice(begin, body.size() - begin).Flatten();
  ByteSpan rest = flat;
  std::optional<Json> tags;
  for (;;) {
    const ByteSpan here = rest;
    PS_TRY(const std::optional<Element> element, TakeElement(rest));
    if (!element) return tags;
    // Without frames that are played the cluster is still in front, often of unknown size: what is
    // in it and what follows it are alike here.
    if (element->id == ebml::kCluster)
      rest = here.subspan(static_cast<size_t>(element->content.data() - here.data()));
    if (element->id != ebml::kTags) continue;
    ByteSpan content = element->content;
    for (;;) {
      PS_TRY(const std::optional<Element> tag, TakeElement(content));
      if (!tag) break;
      if (tag->id == ebml::kTag) PS_TRY_VOID(ReadTag(tag->content, tags));
    }
  }
}

std::string NotificationPayload(std::string_view stream_arn, const store::ItemHeader& item,
                                Json tags) {
  const auto producer_ms =
      std::chrono::floor<std::chrono::milliseconds>(item.producer_time.time_since_epoch()).count();
  Json out;
  out.Set("StreamArn", stream_arn);
  out.Set("FragmentNumber", item.number.ToString());
  out.Set("FragmentStartProducerTimestamp", producer_ms);
  out.Set("FragmentStartServerTimestamp", ToMs(item.server_time));
  out.Set("NotificationType", "PERSISTED");
  out.Set("NotificationPayload", std::move(tags));
  return out.Dump();
}

}  // namespace penstock::server::notifications
