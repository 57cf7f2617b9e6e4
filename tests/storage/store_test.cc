// What both stores promise, on both.
#include "storage/store.h"

#include <gtest/gtest.h>

#include <functional>

#include "storage/rocks_store.h"
#include "tests/storage/made.h"

namespace idnode {
namespace {

struct Kind {
  const char* name;
  bool disk;
};

class StoreTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override { open(); }
  void open() {
    store_.reset();
    if (!GetParam().disk) {
      store_ = std::make_unique<MemoryStore>();
      return;
    }
    auto opened = RocksStore::open(scratch_ / "store", {std::size_t{8} << 20, scratch_ / "store.log"});
    ASSERT_TRUE(opened) << made::text_of(opened);
    store_ = std::move(*opened);
  }
  std::string walk(const KeyRange& range) {
    std::string met;
    const auto cursor = store_->scan(range.from, range.to);
    while (cursor->next()) {
      met.append(cursor->key()).append("=").append(cursor->image()).append(";");
    }
    EXPECT_TRUE(cursor->status());
    return met;
  }

  made::Scratch scratch_;
  std::unique_ptr<Store> store_;
};

TEST_P(StoreTest, GivesBackWhatWasApplied) {
  std::string image;
  EXPECT_EQ(store_->get("ra", image, Depth::kDisk), false);
  EXPECT_EQ(store_->applied(), 0U);
  ASSERT_TRUE(store_->apply(std::vector<Write>{{"ra", "1"}, {"rb", "2"}, {"ra", "3"}, {"c", "4"}}, 2));
  EXPECT_EQ(store_->applied(), 2U);
  EXPECT_EQ(store_->get("ra", image, Depth::kMemory), true);
  EXPECT_EQ(image, "3");
  EXPECT_EQ(walk(table_range(Table::kRecords)), "ra=3;rb=2;");
  EXPECT_GT(store_->approximate_bytes(), 0U);
}

TEST_P(StoreTest, WalkSeesOneMoment) {
  ASSERT_TRUE(store_->apply(std::vector<Write>{{"ra", "1"}, {"rb", "1"}}, 1));
  const auto cursor = store_->scan("r", "s");
  ASSERT_TRUE(cursor->next());
  ASSERT_TRUE(store_->apply(std::vector<Write>{{"rb", "2"}, {"rc", "2"}}, 2));
  ASSERT_TRUE(cursor->next());
  EXPECT_EQ(cursor->image(), "1");
  EXPECT_FALSE(cursor->next());
  EXPECT_FALSE(cursor->next());
  EXPECT_TRUE(cursor->status());
}

TEST_P(StoreTest, WalkOfNothing) { EXPECT_EQ(walk({"a", "b"}), ""); }

INSTANTIATE_TEST_SUITE_P(Kinds, StoreTest, testing::Values(Kind{"Memory", false}, Kind{"Rocks", true}),
                         [](const auto& kind) { return kind.param.name; });

Opened<std::unique_ptr<RocksStore>> open_rocks(const std::string& path) {
  return RocksStore::open(path, {std::size_t{8} << 20, ""});
}

TEST(RocksStore, KeepsWhatItHoldsOverAReopen) {
  made::Scratch scratch;
  ASSERT_TRUE((*open_rocks(scratch / "s"))->apply(std::vector<Write>{{"ra", "1"}}, 7));
  const auto store = open_rocks(scratch / "s");
  ASSERT_TRUE(store) << made::text_of(store);
  EXPECT_EQ((*store)->applied(), 7U);
  std::string image;
  EXPECT_EQ((*store)->get("ra", image, Depth::kDisk), true);
}

TEST(RocksStore, MemoryOnlyReadsDoNotTouchTheDisk) {
  made::Scratch scratch;
  // Opening reads the block with the stamps: "ra" must be in another one.
  const std::string filling(10'000, 'x');
  ASSERT_TRUE((*open_rocks(scratch / "s"))->apply(std::vector<Write>{{"n", filling}, {"ra", "1"}}, 1));
  const auto store = open_rocks(scratch / "s");
  std::string image;
  EXPECT_EQ((*store)->get("ra", image, Depth::kMemory), std::unexpected(Errc::kWouldBlock));
  EXPECT_EQ((*store)->get("ra", image, Depth::kDisk), true);
  EXPECT_EQ((*store)->get("ra", image, Depth::kMemory), true);
}

TEST(RocksStore, RefusesASecondProcessAndALaterFormat) {
  made::Scratch scratch;
  {
    const auto store = open_rocks(scratch / "s");
    const auto again = open_rocks(scratch / "s");
    ASSERT_FALSE(again);
    EXPECT_NE(again.error().text.find(scratch / "s"), std::string::npos);
    const std::string later("\0\0\0\0\0\0\0\2", 8);
    ASSERT_TRUE((*store)->apply(std::vector<Write>{{meta_key("format"), later}}, 1));
  }
  const auto store = open_rocks(scratch / "s");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Errc::kNewerFormat);
}

}  // namespace
}  // namespace idnode
