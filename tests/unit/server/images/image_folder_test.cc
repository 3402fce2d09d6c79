// Images as files: whole, with their metadata, and nowhere else.
#include "server/images/image_folder.h"

#include <filesystem>
#include <fstream>
#include <set>

#include <gmock/gmock.h>

#include "base/json.h"
#include "server/images/destinations.h"
#include "tests/testing/temp_dir.h"

namespace penstock::server::images {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string TextOf(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class ImageFolderTest : public ::testing::Test {
 protected:
  NewImage Image(std::string key, std::string_view content = "pixels") {
    NewImage image;
    image.key = std::move(key);
    image.metadata = {{"aws_kinesisvideo_fragment_number", "91"}, {"site", "gate \"3\""}};
    image.content = Bytes::Copy(content);
    return image;
  }
  std::set<std::string> Files() const {
    std::set<std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(root())) {
      if (entry.is_regular_file()) out.insert(entry.path().lexically_relative(root()).string());
    }
    return out;
  }
  const fs::path& root() const { return temp_.path(); }

  penstock::testing::TempDir temp_;
  ThreadPool pool_{1, "test"};
  ImageFolder folder_{root() / "yard", pool_};
};

TEST_F(ImageFolderTest, AnImageHasItsMetadataBesideIt) {
  ASSERT_TRUE(SyncWait(folder_.Put(Image("a/one.jpg"), {})).ok());
  ASSERT_TRUE(SyncWait(folder_.Put(Image("two.png"), {})).ok());
  EXPECT_EQ(Files(), (std::set<std::string>{"yard/a/one.jpg", "yard/a/one.jpg.json", "yard/two.png",
                                            "yard/two.png.json"}));
  EXPECT_EQ(TextOf(root() / "yard/a/one.jpg"), "pixels");
  const auto json = Json::Parse(TextOf(root() / "yard/a/one.jpg.json"));
  EXPECT_EQ((*json)["aws_kinesisvideo_fragment_number"].AsString(), "91");
  EXPECT_EQ((*json)["site"].AsString(), "gate \"3\"");
}

TEST_F(ImageFolderTest, TheSameNameIsTheSameImage) {
  ASSERT_TRUE(SyncWait(folder_.Put(Image("one.jpg", "first"), {})).ok());
  ASSERT_TRUE(SyncWait(folder_.Put(Image("one.jpg", "second"), {})).ok());
  EXPECT_EQ(TextOf(root() / "yard/one.jpg"), "second");
  EXPECT_EQ(Files().size(), 2u);
}

TEST_F(ImageFolderTest, NoNameLeadsOutOfTheFolder) {
  for (const std::string& key :
       {std::string("../out.jpg"), std::string("a/../../out.jpg"), std::string("/out.jpg"),
        std::string(".hidden"), std::string(""), std::string("a\0b", 3), std::string("a//b.jpg/"),
        std::string(300, 'a')}) {
    EXPECT_EQ(SyncWait(folder_.Put(Image(key), {})).error().code(), ErrorCode::kInvalidArgument)
        << key;
  }
  EXPECT_TRUE(Files().empty());
}

TEST_F(ImageFolderTest, WhatCannotBeWrittenIsAnErrorAndLeavesNothing) {
  std::ofstream(root() / "yard") << "a file where the folder should be";
  EXPECT_EQ(SyncWait(folder_.Put(Image("one.jpg"), {})).error().code(), ErrorCode::kIo);
  fs::remove(root() / "yard");
  fs::create_directories(root() / "yard/one.jpg");
  const Status put = SyncWait(folder_.Put(Image("one.jpg"), {}));
  ASSERT_FALSE(put.ok());
  EXPECT_THAT(put.error().message(), HasSubstr("one.jpg"));
  EXPECT_EQ(Files(), (std::set<std::string>{"yard/one.jpg.json"}));
}

TEST_F(ImageFolderTest, OnlyFoldersThatTheOperatorAllowsMayBeNamed) {
  const std::string in = "file://" + root().string();
  EXPECT_EQ(FolderOf(in + "/yard/door", root()).value(),
            fs::weakly_canonical(root()) / "yard/door");
  EXPECT_TRUE(FolderOf(in, root()).ok());
  const auto refused = [&](const std::string& uri, const fs::path& allowed) {
    const auto folder = FolderOf(uri, allowed);
    return folder.ok() ? std::string("allowed") : folder.error().message();
  };
  EXPECT_THAT(refused(in + "/yard", ""), HasSubstr("images.directory"));
  EXPECT_THAT(refused("file:///etc", root()), HasSubstr("nowhere else"));
  EXPECT_THAT(refused(in + "/../out", root()), HasSubstr("nowhere else"));
  EXPECT_THAT(refused(in + "2", root()), HasSubstr("nowhere else"));
  EXPECT_THAT(refused("file://relative/path", root()), HasSubstr("absolute"));
  EXPECT_THAT(refused("file:/yard", root()), HasSubstr("absolute"));
  fs::create_directory_symlink("/etc", root() / "link");
  EXPECT_THAT(refused(in + "/link/sub", root()), HasSubstr("nowhere else"));
}

TEST_F(ImageFolderTest, ABucketMayBeNamedWhereThereIsNoServerOfThem) {
  EXPECT_TRUE(CheckPlace("s3://bucket/prefix", "").ok());
  EXPECT_FALSE(CheckPlace("file:///etc", root()).ok());
  const auto open = OpenPlaces(root(), pool_, nullptr);
  EXPECT_EQ(open("s3://bucket/prefix").error().code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(open("file://" + root().string() + "/a").ok());
}

}  // namespace
}  // namespace penstock::server::images
