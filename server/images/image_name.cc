#include "server/images/image_name.h"

#include <fmt/format.h>

#include "server/auth/sigv4/signature.h"
#include "server/wire/patterns.h"

namespace penstock::server::images {
namespace {

constexpr size_t kPrefixBytesMax = 100;

// Letters, digits, '-', '_', and '.' and '/' where they lead nowhere else.
std::string SafePrefix(std::string_view prefix) {
  std::string out;
  for (const char c : prefix.substr(0, kPrefixBytesMax)) {
    const bool at_begin = out.empty() || out.back() == '/';
    const bool plain = wire::IsAlphanumeric(c) || c == '-' || c == '_';
    const bool dot = (c == '.' || c == '/') && !at_begin;
    out += plain || dot ? c : '_';
  }
  return out;
}

}  // namespace

std::string NameImage(const ImageOf& image, std::string_view prefix, std::string_view account,
                      std::string_view stream, const playback::ImageForm& form) {
  const std::string shown = fmt::format("{}|{}|{}|{}", image.fragment.shard.ToString(),
                                        image.fragment.header.number.ToString(),
                                        image.after.count(), playback::ToKey(form));
  const std::string id = sigv4::Sha256Hex(shown).substr(0, 32);
  const char* const ending = form.format == playback::ImageFormat::kJpeg ? "jpg" : "png";
  return fmt::format("{}{}{}_{}_{}_{}.{}", SafePrefix(prefix), prefix.empty() ? "" : "_", account,
                     stream, image.time_ms, id, ending);
}

std::vector<std::pair<std::string, std::string>> DescribeImage(
    const ImageOf& image, const std::vector<std::pair<std::string, std::string>>& tags) {
  using std::chrono::floor;
  using std::chrono::milliseconds;
  const store::ItemHeader& item = image.fragment.header;
  const auto producer =
      floor<milliseconds>(item.producer_time.time_since_epoch() + image.after).count();
  const auto server = ToMs(item.server_time) + floor<milliseconds>(image.after).count();
  std::vector<std::pair<std::string, std::string>> out;
  out.emplace_back("aws_kinesisvideo_fragment_number", item.number.ToString());
  out.emplace_back("aws_kinesisvideo_producer_timestamp", fmt::format("{}", producer));
  out.emplace_back("aws_kinesisvideo_server_timestamp", fmt::format("{}", server));
  out.insert(out.end(), tags.begin(), tags.end());
  return out;
}

}  // namespace penstock::server::images
