#include "storage/data_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <fstream>

#include "tests/storage/made.h"

namespace idnode {
namespace {

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST(DataFolder, IsMadeOnceAndOpened) {
  made::Scratch scratch;
  const std::string path = scratch / "data";
  EXPECT_EQ(DataFolder::open(path, false).error().code, Errc::kAbsent);
  ASSERT_TRUE(DataFolder::create(path, false));
  EXPECT_EQ(DataFolder::create(path, false).error().code, Errc::kExists);
  const auto folder = DataFolder::open(path, false);
  ASSERT_TRUE(folder) << made::text_of(folder);
  EXPECT_EQ(folder->log(), path + "/log");
}

TEST(DataFolder, AnotherProcessIsRefused) {
  made::Scratch scratch;
  const auto folder = DataFolder::create(scratch / "data", false);
  ASSERT_TRUE(folder);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto again = DataFolder::open(scratch / "data", false);
    ::_exit(!again && again.error().code == Errc::kBusy ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(DataFolder, CaseSettingIsStamped) {
  made::Scratch scratch;
  ASSERT_TRUE(DataFolder::create(scratch / "data", true));
  EXPECT_TRUE(DataFolder::open(scratch / "data", true));
  EXPECT_EQ(DataFolder::open(scratch / "data", false).error().code, Errc::kInvalid);
}

TEST(DataFolder, ForeignFoldersAreLeftAlone) {
  made::Scratch scratch;
  write(scratch / "letter.txt", "dear");
  const auto folder = DataFolder::create(scratch.path(), false);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, Errc::kExists);
  EXPECT_NE(folder.error().text.find("letter.txt"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(scratch / "FORMAT"));
  EXPECT_EQ(DataFolder::create(scratch / "letter.txt", false).error().code, Errc::kIo);
}

TEST(DataFolder, FormatIsRead) {
  struct Row {
    std::string text;
    Errc code;
  };
  const Row rows[] = {{"3\n", Errc::kNewerFormat}, {"99999999999999999999\n", Errc::kNewerFormat},
                      {"0\n", Errc::kCorrupt},     {"", Errc::kCorrupt},
                      {"one\n", Errc::kCorrupt},   {"1 \n", Errc::kCorrupt},
                      {"-1\n", Errc::kCorrupt}};
  made::Scratch scratch;
  ASSERT_TRUE(DataFolder::create(scratch / "data", false));
  for (const Row& row : rows) {
    write(scratch / "data/FORMAT", row.text);
    const auto folder = DataFolder::open(scratch / "data", false);
    ASSERT_FALSE(folder) << row.text;
    EXPECT_EQ(folder.error().code, row.code) << row.text;
    EXPECT_NE(folder.error().text.find("data/FORMAT"), std::string::npos);
    EXPECT_EQ(folder.error().text.find('\n'), std::string::npos);
  }
  write(scratch / "data/FORMAT", "2");
  EXPECT_TRUE(DataFolder::open(scratch / "data", false));
}

TEST(DataFolder, InterruptedCreateIsFinished) {
  made::Scratch scratch;
  ASSERT_TRUE(DataFolder::create(scratch / "data", true));
  write(scratch / "data/FORMAT", "");
  EXPECT_TRUE(DataFolder::create(scratch / "data", false));
  EXPECT_TRUE(DataFolder::open(scratch / "data", false));
}

}  // namespace
}  // namespace idnode
