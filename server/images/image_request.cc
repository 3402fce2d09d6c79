#include "server/images/image_request.h"

#include <algorithm>

#include "base/json.h"
#include "fragmenter/ebml/ids.h"
#include "fragmenter/upload/elements.h"

namespace penstock::server::images {
namespace {

namespace ebml = fragmenter::ebml;
using fragmenter::Element;
using fragmenter::TakeElement;

constexpr std::string_view kOurs = "AWS_KINESISVIDEO_";
constexpr std::string_view kWish = "AWS_KINESISVIDEO_IMAGE_GENERATION";
constexpr std::string_view kPrefix = "AWS_KINESISVIDEO_IMAGE_PREFIX";

// Texts may be filled up with zeros (RFC 8794, 7.4). Producers may send any bytes, and JSON has
// characters only.
std::string TextOf(ByteSpan content) {
  std::string text(AsText(content));
  text.resize(std::min(text.size(), text.find('\0')));
  if (Json::Parse(Json(text).Dump()).ok()) return text;
  std::ranges::replace_if(
      text, [](char c) { return static_cast<uint8_t>(c) >= 0x80; }, '?');
  return text;
}

Result<std::pair<std::string, std::string>> ReadSimpleTag(ByteSpan content) {
  std::pair<std::string, std::string> tag;
  while (true) {
    PS_TRY(const std::optional<Element> element, TakeElement(content));
    if (!element) return tag;
    if (element->id == ebml::kTagName) tag.first = TextOf(element->content);
    if (element->id == ebml::kTagString) tag.second = TextOf(element->content);
  }
}

Result<std::optional<ImageRequest>> ReadTag(ByteSpan content) {
  ImageRequest request;
  bool wished = false;
  while (true) {
    PS_TRY(const std::optional<Element> element, TakeElement(content));
    if (!element) break;
    if (element->id != ebml::kSimpleTag) continue;
    PS_TRY(auto tag, ReadSimpleTag(element->content));
    wished |= tag.first == kWish;
    if (tag.first == kPrefix) request.prefix = tag.second;
    if (!tag.first.starts_with(kOurs)) request.tags.push_back(std::move(tag));
  }
  if (!wished) return std::optional<ImageRequest>();
  return std::optional<ImageRequest>(std::move(request));
}

}  // namespace

size_t EndOfFrames(const fragmenter::FrameTable& table) {
  size_t end = 0;
  for (const fragmenter::Frame& frame : table.frames)
    end = std::max(end, size_t{frame.offset} + frame.size);
  return end;
}

Result<std::optional<ImageRequest>> ReadImageRequest(ByteSpan tail) {
  while (true) {
    PS_TRY(const std::optional<Element> element, TakeElement(tail));
    if (!element) return std::optional<ImageRequest>();
    if (element->id != ebml::kTags) continue;
    ByteSpan content = element->content;
    while (true) {
      PS_TRY(const std::optional<Element> tag, TakeElement(content));
      if (!tag) break;
      if (tag->id != ebml::kTag) continue;
      PS_TRY(std::optional<ImageRequest> request, ReadTag(tag->content));
      if (request) return request;
    }
  }
}

}  // namespace penstock::server::images
