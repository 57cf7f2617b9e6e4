#include "protocol/bytes.h"

#include <gtest/gtest.h>

namespace idnode {
namespace {

TEST(Reader, ReadsWhatTheWriterWrote) {
  std::string out;
  Writer w(out);
  w.u8(0xfe);
  w.u16(0xabcd);
  w.u32(0x89abcdef);
  w.u64(0x0123456789abcdefULL);
  w.bytes("name");
  std::size_t at = w.reserve_u32();
  w.raw("xy");
  w.patch_u32(at, 2);

  Reader r(out);
  EXPECT_EQ(r.u8(), 0xfe);
  EXPECT_EQ(r.u16(), 0xabcd);
  EXPECT_EQ(r.u32(), 0x89abcdefU);
  EXPECT_EQ(r.u64(), 0x0123456789abcdefULL);
  EXPECT_EQ(r.bytes(), "name");
  EXPECT_EQ(r.bytes(), "xy");
  EXPECT_TRUE(r.at_end());
  EXPECT_TRUE(r.ok());
}

TEST(Reader, TheFirstFailureSticks) {
  Reader r(
      std::string_view("\0\0\0\x05"
                       "abc",
                       7));
  EXPECT_EQ(r.bytes(), "");
  EXPECT_FALSE(r.ok());
  EXPECT_EQ(r.error(), Errc::kTruncated);
  EXPECT_EQ(r.u8(), 0);
  EXPECT_EQ(r.left(), 0u);
}

TEST(Reader, ALengthWithTheTopBitSetIsRefused) {
  Reader r(
      std::string_view("\xff\xff\xff\xff"
                       "abc",
                       7));
  r.bytes();
  EXPECT_FALSE(r.ok());
}

TEST(Reader, ACountIsBoundedByWhatIsLeft) {
  Reader fits(
      std::string_view("\0\0\0\x02"
                       "aaaabbbb",
                       12));
  EXPECT_EQ(fits.count(4), 2u);
  EXPECT_TRUE(fits.ok());
  Reader lies(
      std::string_view("\0\0\0\x03"
                       "aaaabbbb",
                       12));
  EXPECT_EQ(lies.count(4), 0u);
  EXPECT_EQ(lies.error(), Errc::kMalformed);
}

TEST(Hex, BothWays) {
  EXPECT_EQ(to_hex(std::string_view("\x00\xff\x10", 3)), "00ff10");
  EXPECT_EQ(from_hex("00FF10").value(), std::string("\x00\xff\x10", 3));
  EXPECT_FALSE(from_hex("0").has_value());
  EXPECT_FALSE(from_hex("0g").has_value());
}

}  // namespace
}  // namespace idnode
