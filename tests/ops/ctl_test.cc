// The parts of idctl that need no node: CSV, sources of records, tables, arguments.
#include <gtest/gtest.h>

#include <sstream>

#include "ops/ctl/context.h"
#include "ops/ctl/csv.h"
#include "ops/ctl/record_source.h"
#include "ops/ctl/table.h"

namespace idnode::ctl {
namespace {

using Fields = std::vector<std::string>;

TEST(Csv, QuotesCommasAndLineEnds) {
  std::istringstream in("a,\"b,\"\"c\"\"\",\r\n\"two\nlines\",x");
  EXPECT_EQ(*read_csv_record(in), (Fields{"a", "b,\"c\"", ""}));
  EXPECT_EQ(*read_csv_record(in), (Fields{"two\nlines", "x"}));
  EXPECT_FALSE(read_csv_record(in).has_value());
}

TEST(Csv, WhatIsWrittenIsReadBack) {
  const Fields fields = {"plain", "with,comma", "with \"quotes\"", "two\nlines", ""};
  std::string line;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) line.push_back(',');
    append_csv_field(field, line);
  }
  std::istringstream in(line + "\n");
  EXPECT_EQ(*read_csv_record(in), fields);
}

TEST(RecordSource, CsvWithAMapping) {
  std::istringstream in("\xef\xbb\xbfserial,name,price\nX1,扶手椅,42\n,nameless,1\nX2,,7\n");
  RecordSource source(in, {.csv = true,
                           .prefix = "88.118.5",
                           .columns = {"name=1:NAME", "price=2:PRICE"},
                           .id_column = "serial"});
  auto first = source.next();
  EXPECT_EQ(first->record->handle, "88.118.5/X1");
  ASSERT_EQ(first->record->values.size(), 2u);
  EXPECT_EQ(first->record->values[0].data, "扶手椅");
  EXPECT_EQ(first->record->values[1].type, "PRICE");
  auto second = source.next();
  EXPECT_EQ(second->number, 3u);
  EXPECT_FALSE(second->record.has_value());
  EXPECT_EQ(source.next()->record->values.size(), 1u);
  EXPECT_FALSE(source.next().has_value());
}

TEST(RecordSource, CsvWithoutAMappingTakesEveryColumn) {
  std::istringstream in("id,name,size\n88.1/a,x,y\n");
  RecordSource source(in, {.csv = true, .prefix = "88.9", .columns = {}, .id_column = {}});
  auto line = source.next();
  EXPECT_EQ(line->record->handle, "88.1/a");
  EXPECT_EQ(line->record->values[1].type, "SIZE");
  EXPECT_EQ(line->record->values[1].index, 2u);
}

TEST(RecordSource, UnusableMappingsEndWithUsage) {
  for (const char* column : {"nope=1:T", "name", "name=x:T", "name=1"}) {
    std::istringstream in("id,name\n");
    try {
      RecordSource source(in, {.csv = true, .prefix = {}, .columns = {column}, .id_column = {}});
      FAIL() << column;
    } catch (const Stop& stop) {
      EXPECT_EQ(stop.exit_code, kUsage);
    }
  }
}

TEST(RecordSource, NdjsonNamesTheLineOfAMistake) {
  std::istringstream in("{\"handle\":\"88.1/a\",\"values\":[]}\n\n{\"values\":[]}\nnonsense\n");
  RecordSource source(in, {.csv = false, .prefix = {}, .columns = {}, .id_column = {}});
  EXPECT_TRUE(source.next()->record.has_value());
  auto nameless = source.next();
  EXPECT_EQ(nameless->number, 3u);
  EXPECT_EQ(nameless->record.error(), "handle is missing");
  EXPECT_FALSE(source.next()->record.has_value());
  EXPECT_FALSE(source.next().has_value());
}

TEST(Table, ChineseTextTakesTwoColumns) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("扶手椅"), 6u);
  EXPECT_EQ(display_width("é"), 1u);
  Table table({"a", "b"});
  table.add({"扶手", "x"});
  EXPECT_EQ(table.text(), "a     b\n扶手  x\n");
}

TEST(Table, LongAndBinaryDataIsShortened) {
  std::string octets;
  encode(Value{.index = 1, .type = "BIN", .data = std::string("\0\1\2", 3)}, octets);
  encode(Value{.index = 2, .type = "TEXT", .data = std::string(500, 'x')}, octets);
  std::string text = values_table({2, octets});
  EXPECT_NE(text.find("(3 octets) 000102"), std::string::npos);
  EXPECT_NE(text.find("(500 octets)"), std::string::npos);
}

TEST(Arguments, Values) {
  std::vector<Value> values =
      values_from_arguments({"1:URL=https://example.com/?a=b", "100:HS_ADMIN=300:*:88.118/ADMIN"});
  EXPECT_EQ(values[0].data, "https://example.com/?a=b");
  EXPECT_EQ(values[1].index, 100u);
  for (const char* wrong : {"URL=x", "1:URL", "x:URL=y", "100:HS_ADMIN=nobody"}) {
    EXPECT_THROW(values_from_arguments({wrong}), Stop) << wrong;
  }
}

}  // namespace
}  // namespace idnode::ctl
