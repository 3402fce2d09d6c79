#pragma once

#include <filesystem>
#include <string>

namespace penstock::testing {

// A fresh folder on a real disk, removed at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace penstock::testing
