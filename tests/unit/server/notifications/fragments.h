// Stored fragments with tags, as uploads bring them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "fragmenter/ebml/ids.h"
#include "fragmenter/media.h"
#include "store/asked_flags.h"
#include "store/shard.h"
#include "tests/testing/upload_body.h"

namespace penstock::server::notifications {

using SimpleTags = std::vector<std::pair<std::string, std::string>>;

// One Tags with one Tag.
inline std::string TagsElement(const SimpleTags& simple_tags) {
  namespace ebml = fragmenter::ebml;
  penstock::testing::UploadBody tag;
  for (const auto& [name, value] : simple_tags) {
    penstock::testing::UploadBody simple;
    simple.Element(ebml::kTagName, name).Element(ebml::kTagString, value);
    tag.Element(ebml::kSimpleTag, simple.text());
  }
  penstock::testing::UploadBody tags;
  tags.Element(ebml::kTag, tag.text());
  penstock::testing::UploadBody out;
  return out.Element(ebml::kTags, tags.text()).text();
}

struct Fragment {
  std::string body;
  Bytes meta;
};

// A cluster of unknown size with one frame, and what follows it.
inline Fragment MakeFragment(std::string_view behind) {
  constexpr std::string_view kFrame = "a picture";
  penstock::testing::UploadBody cluster;
  cluster.Cluster(7).Frame(1, 0, true, kFrame);
  Fragment out;
  out.body = cluster.text();
  fragmenter::FrameTable table;
  fragmenter::Frame frame;
  frame.track = 1;
  frame.offset = static_cast<uint32_t>(out.body.find(kFrame));
  frame.size = static_cast<uint32_t>(kFrame.size());
  table.frames.push_back(frame);
  out.meta = table.Encode();
  out.body += behind;
  return out;
}

inline SimpleTags Wish(SimpleTags beside) {
  beside.emplace(beside.begin(), "AWS_KINESISVIDEO_NOTIFICATION", "");
  return beside;
}

}  // namespace penstock::server::notifications
