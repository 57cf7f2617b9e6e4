#include "protocol/bytes.h"

namespace idnode {

std::string_view name(Errc e) {
  switch (e) {
    case Errc::kTruncated: return "truncated";
    case Errc::kMalformed: return "malformed";
    case Errc::kTooLarge: return "too large";
    case Errc::kUnsupported: return "unsupported";
    case Errc::kInvalid: return "invalid";
    case Errc::kCrypto: return "crypto failure";
    case Errc::kIo: return "i/o error";
    case Errc::kNoSpace: return "no space";
    case Errc::kCorrupt: return "corrupt";
    case Errc::kNewerFormat: return "newer format";
    case Errc::kExists: return "exists";
    case Errc::kAbsent: return "absent";
    case Errc::kWouldBlock: return "would block";
    case Errc::kBusy: return "busy";
    case Errc::kReadOnly: return "read-only";
    case Errc::kTimeout: return "timeout";
    case Errc::kRefused: return "refused";
    case Errc::kClosed: return "closed";
  }
  return "unknown";
}

void Reader::fail(Errc e) {
  if (!ok_) return;
  ok_ = false;
  error_ = e;
  pos_ = in_.size();
}

namespace {
template <class T>
void append_big_endian(std::string& out, T v) {
  char octets[sizeof(T)];
  put_big_endian(octets, v);
  out.append(octets, sizeof(T));
}
}  // namespace

std::uint32_t Reader::count(std::size_t smallest) {
  std::uint32_t n = u32();
  if (!ok_) return 0;
  if (n > left() / smallest) {
    fail(Errc::kMalformed);
    return 0;
  }
  return n;
}

void Writer::u16(std::uint16_t v) { append_big_endian(out_, v); }
void Writer::u32(std::uint32_t v) { append_big_endian(out_, v); }
void Writer::u64(std::uint64_t v) { append_big_endian(out_, v); }
void Writer::bytes(std::string_view v) {
  u32(static_cast<std::uint32_t>(v.size()));
  raw(v);
}
std::size_t Writer::reserve_u32() {
  std::size_t at = out_.size();
  u32(0);
  return at;
}
void Writer::patch_u32(std::size_t position, std::uint32_t v) { put_big_endian(out_.data() + position, v); }

std::string to_hex(std::string_view octets) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(octets.size() * 2);
  for (char c : octets) {
    auto v = static_cast<std::uint8_t>(c);
    out.push_back(kDigits[v >> 4]);
    out.push_back(kDigits[v & 15]);
  }
  return out;
}

Result<std::string> from_hex(std::string_view hex) {
  auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  if (hex.size() % 2 != 0) return std::unexpected(Errc::kMalformed);
  std::string out;
  out.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    int high = digit(hex[i]);
    int low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::unexpected(Errc::kMalformed);
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

}  // namespace idnode
