#include "fragmenter/upload/tags.h"

#include "fragmenter/ebml/ids.h"
#include "fragmenter/mkv/element_writer.h"
#include "fragmenter/upload/elements.h"

namespace penstock::fragmenter {
namespace {

constexpr std::string_view kEndOfFragment = "AWS_KINESISVIDEO_END_OF_FRAGMENT";
// What a producer asks for with a fragment; it is kept, for whoever acts on it.
constexpr std::string_view kRequests[] = {"AWS_KINESISVIDEO_IMAGE_GENERATION",
                                          "AWS_KINESISVIDEO_IMAGE_PREFIX"};

enum class Meaning { kOwn, kRequest, kNotification, kEnd, kOurs };

Meaning MeaningOf(std::string_view name) {
  if (name == kEndOfFragment) return Meaning::kEnd;
  if (name == kNotificationTag) return Meaning::kNotification;
  for (const std::string_view request : kRequests) {
    if (name == request) return Meaning::kRequest;
  }
  return name.starts_with(kServiceTags) ? Meaning::kOurs : Meaning::kOwn;
}

// Texts may be filled up with zeros (RFC 8794, 7.4).
std::string_view TextOf(ByteSpan content) {
  const std::string_view text = AsText(content);
  return text.substr(0, text.find('\0'));
}

Result<Meaning> ReadSimpleTag(ByteSpan content) {
  std::string_view name;
  size_t value_bytes = 0;
  for (;;) {
    PS_TRY(const std::optional<Element> element, TakeElement(content));
    if (!element) break;
    if (element->id == ebml::kTagName) name = TextOf(element->content);
    if (element->id == ebml::kTagString) value_bytes = element->content.size();
  }
  if (name.size() > kTagNameBytesMax || value_bytes > kTagValueBytesMax)
    return Error(ErrorCode::kTooLarge, "a tag's name or value is too long");
  return MeaningOf(name);
}

// One Tag; what is kept of it goes to `out`.
Status ReadTag(ByteSpan content, FragmentTags& tags, mkv::ElementWriter& out) {
  mkv::ElementWriter kept;
  bool any = false;
  for (;;) {
    PS_TRY(const std::optional<Element> element, TakeElement(content));
    if (!element) break;
    if (element->id != ebml::kSimpleTag) {
      kept.Raw(element->whole);
      continue;
    }
    PS_TRY(const Meaning meaning, ReadSimpleTag(element->content));
    tags.ends_fragment |= meaning == Meaning::kEnd;
    tags.asks_notification |= meaning == Meaning::kNotification;
    if (meaning == Meaning::kEnd || meaning == Meaning::kOurs) continue;
    if (meaning == Meaning::kOwn) ++tags.count;
    any = true;
    kept.Raw(element->whole);
  }
  if (any) out.Master(ebml::kTag, kept);
  return Status();
}

}  // namespace

Result<FragmentTags> ReadFragmentTags(ByteSpan content) {
  FragmentTags tags;
  mkv::ElementWriter kept;
  for (;;) {
    PS_TRY(const std::optional<Element> element, TakeElement(content));
    if (!element) break;
    if (element->id == ebml::kTag) PS_TRY_VOID(ReadTag(element->content, tags, kept));
  }
  const Bytes inner = kept.Take();
  if (inner.empty()) return tags;
  mkv::ElementWriter whole;
  whole.Binary(ebml::kTags, inner);
  tags.kept = whole.Take();
  return tags;
}

}  // namespace penstock::fragmenter
