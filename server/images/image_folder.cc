#include "server/images/image_folder.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include "base/json.h"

namespace penstock::server::images {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kScheme = "file://";
constexpr size_t kNameBytesMax = 240;  // of 255 that a file's name may have: we add to it

bool IsBelow(const fs::path& path, const fs::path& root) {
  const fs::path way = path.lexically_relative(root);
  return !way.empty() && *way.begin() != "..";
}

Error Failed(const char* what, const fs::path& path, const std::error_code& failure) {
  return Error(ErrorCode::kIo,
               fmt::format("cannot {} {}: {}", what, path.string(), failure.message()));
}

// Whole under its name, or not there.
Status WriteFile(const fs::path& path, ByteSpan content) {
  const fs::path part = path.parent_path() / ("." + path.filename().string() + ".part");
  errno = 0;
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(content.data()),
            static_cast<std::streamsize>(content.size()));
  out.close();
  std::error_code failure;
  if (!out) {
    failure = std::error_code(errno == 0 ? EIO : errno, std::generic_category());
  } else {
    fs::rename(part, path, failure);
  }
  if (!failure) return Status();
  std::error_code ignored;
  fs::remove(part, ignored);  // Best effort: the next of that name takes its place.
  return Failed("write", path, failure);
}

Status CheckKey(const fs::path& key) {
  for (const fs::path& name : key) {
    const std::string& text = name.native();
    if (text.empty() || text[0] == '.' || text == "/" || text.size() > kNameBytesMax ||
        text.find('\0') != std::string::npos) {
      return Error(ErrorCode::kInvalidArgument, "an image cannot have this name as a file");
    }
  }
  if (key.empty()) return Error(ErrorCode::kInvalidArgument, "an image has no name");
  return Status();
}

Status Write(const fs::path& folder, const NewImage& image) {
  const fs::path key(image.key);
  PS_TRY_VOID(CheckKey(key));
  const fs::path path = folder / key;
  std::error_code failure;
  fs::create_directories(path.parent_path(), failure);
  if (failure) return Failed("make", path.parent_path(), failure);
  Json metadata = Json(Json::Object());
  for (const auto& [name, value] : image.metadata) metadata.Set(name, value);
  const std::string text = metadata.DumpIndented() + "\n";
  PS_TRY_VOID(WriteFile(path.string() + ".json", AsBytes(text)));
  return WriteFile(path, image.content);
}

}  // namespace

bool IsFileUri(std::string_view uri) { return uri.starts_with("file:"); }

Result<fs::path> FolderOf(std::string_view uri, const fs::path& root) {
  const fs::path named =
      uri.starts_with(kScheme) ? fs::path(uri.substr(kScheme.size())) : fs::path();
  if (!named.is_absolute()) {
    return Error(ErrorCode::kInvalidArgument,
                 "a folder for images is file:///folder/of/images: an absolute path");
  }
  if (root.empty()) {
    return Error(ErrorCode::kForbidden,
                 "images are written to folders only where images.directory of the server's "
                 "configuration allows it, and it is not set");
  }
  std::error_code failure;
  const fs::path allowed = fs::weakly_canonical(root, failure);
  const fs::path folder = failure ? fs::path() : fs::weakly_canonical(named, failure);
  if (failure) return Failed("look at", named, failure);
  if (IsBelow(folder, allowed)) return folder;
  return Error(ErrorCode::kForbidden,
               fmt::format("images are written below {} (images.directory of the server's "
                           "configuration) and nowhere else",
                           allowed.string()));
}

Task<Status> ImageFolder::Put(NewImage image, CancelToken) {
  auto job = [folder = folder_, image = std::move(image)] { return Write(folder, image); };
  co_return co_await RunBlocking(pool_, std::move(job));
}

}  // namespace penstock::server::images
