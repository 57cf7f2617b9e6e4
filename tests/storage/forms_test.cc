// Keys, images, mutations: what is kept, octet by octet.
#include <gtest/gtest.h>

#include "storage/commit/mutation.h"
#include "storage/keys.h"
#include "storage/record.h"

namespace idnode {
namespace {

TEST(Keys, FoldAsTheTableSays) {
  EXPECT_EQ(record_key("88.118/aB", false), "r88.118/AB");
  EXPECT_EQ(record_key("ab.c/aB", true), "rAB.C/aB");
  EXPECT_EQ(record_key("0.na/ab", true), "r0.NA/AB");
  EXPECT_EQ(homed_key("0.na/ab"), "h0.NA/AB");
  EXPECT_EQ(counter_key("q/aB"), "cq/aB");
}

TEST(Keys, RangesHoldWhatTheyShould) {
  const auto holds = [](const KeyRange& range, const std::string& key) {
    return range.from <= key && key < range.to;
  };
  struct Row {
    KeyRange range;
    std::string key;
    bool in;
  };
  const Row rows[] = {
      {table_range(Table::kRecords), "r", true},
      {table_range(Table::kRecords), "r\xff", true},
      {table_range(Table::kRecords), "s", false},
      {table_range(Table::kRecords), "m", false},
      {records_under("ab.c"), record_key("AB.C/x", true), true},
      {records_under("ab.c"), record_key("AB.C/", true), true},
      {records_under("ab.c"), record_key("AB.C.D/x", true), false},
      {records_under("ab.c"), record_key("AB.CD/x", true), false},
      {records_under("0.NA"), record_key("0.NA/88", true), true},
      {derived_records("88"), record_key("0.NA/88.1", false), true},
      {derived_records("88"), record_key("0.NA/88", false), false},
      {derived_records("88"), record_key("0.NA/881", false), false},
  };
  for (const Row& row : rows) EXPECT_EQ(holds(row.range, row.key), row.in) << row.key;
}

TEST(Record, IsReadAsItWasMade) {
  std::string image = make_record("88.118/aB", 0, 2, "values");
  stamp_record(image, 0x0102030405060708, 9, 10);
  const auto record = parse_record(image);
  ASSERT_TRUE(record);
  EXPECT_FALSE(record->tombstone);
  EXPECT_EQ(record->sequence, 0x0102030405060708U);
  EXPECT_EQ(record->previous, 9U);
  EXPECT_EQ(record->created, 10U);
  EXPECT_EQ(record->name, "88.118/aB");
  EXPECT_EQ(record->count, 2U);
  EXPECT_EQ(record->values, "values");
  stamp_record(image, 11, 12, 13);
  EXPECT_EQ(parse_record(image)->created, 10U);
  EXPECT_EQ(parse_record(image)->sequence, 11U);
}

TEST(Record, TombstoneHoldsNothing) {
  std::string image = make_tombstone("88.118/a");
  EXPECT_TRUE(parse_record(image)->tombstone);
  EXPECT_EQ(parse_record(image + "x").error(), Errc::kCorrupt);
}

TEST(Record, OtherOctetsAreRefused) {
  const std::string image = make_record("88.118/a", 1, 0, "");
  for (std::size_t cut = 0; cut < image.size(); ++cut) {
    EXPECT_FALSE(parse_record(std::string_view(image).substr(0, cut))) << cut;
  }
  std::string other = image;
  other[0] = 2;
  EXPECT_EQ(parse_record(other).error(), Errc::kNewerFormat);
  other[0] = 0;
  EXPECT_EQ(parse_record(other).error(), Errc::kCorrupt);
  other = image;
  other[1] = 2;
  EXPECT_EQ(parse_record(other).error(), Errc::kCorrupt);
}

Mutation full() {
  Mutation mutation;
  mutation.id = "0123456789abcdef";
  mutation.actor = "300:88.118/ADMIN";
  mutation.source = "127.0.0.1";
  mutation.action = "create";
  mutation.reads = {{"ra", 1}, {"rb", ~std::uint64_t{0}}};
  mutation.deltas = {{"quota", -1, 5}};
  mutation.writes = {{"ra", "image"}, {"rb", ""}};
  mutation.answer = "answer";
  return mutation;
}

TEST(Mutation, IsReadAsItWasWritten) {
  std::string octets;
  encode(full(), octets);
  const auto mutation = decode_mutation(octets);
  ASSERT_TRUE(mutation);
  EXPECT_EQ(mutation->deltas[0].amount, -1);
  EXPECT_EQ(mutation->reads[1].version, ~std::uint64_t{0});
  EXPECT_EQ(mutation->answer, "answer");
  std::string again;
  encode(*mutation, again);
  EXPECT_EQ(again, octets);
}

// Nothing of the one before is left.
TEST(Mutation, ViewIsUsedAgain) {
  std::string many;
  encode(full(), many);
  std::string none;
  encode(Mutation(), none);
  MutationView view;
  ASSERT_TRUE(decode_mutation(many, view));
  EXPECT_EQ(view.writes.size(), 2U);
  ASSERT_TRUE(decode_mutation(none, view));
  EXPECT_TRUE(view.reads.empty() && view.deltas.empty() && view.writes.empty() && view.answer.empty());
}

TEST(Mutation, EveryCutIsRefusedAndSoIsMore) {
  std::string octets;
  encode(full(), octets);
  for (std::size_t cut = 0; cut < octets.size(); ++cut) {
    EXPECT_FALSE(decode_mutation(std::string_view(octets).substr(0, cut))) << cut;
  }
  EXPECT_EQ(decode_mutation(octets + "x").error(), Errc::kMalformed);
  octets[0] = 2;
  EXPECT_EQ(decode_mutation(octets).error(), Errc::kNewerFormat);
}

}  // namespace
}  // namespace idnode
