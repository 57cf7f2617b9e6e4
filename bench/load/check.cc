#include "bench/load/check.h"

#include <cstring>

#include "protocol/handle/codes.h"
#include "protocol/handle/envelope.h"
#include "protocol/handle/header.h"

namespace idnode::load {
namespace {

constexpr std::size_t kIdAt = 8;
constexpr std::size_t kSequenceAt = 12;
constexpr std::size_t kLengthAt = 16;
constexpr std::size_t kOpcodeAt = 20;
constexpr std::size_t kCodeAt = 24;
constexpr std::size_t kBodyLengthAt = 40;
constexpr std::size_t kBodyAt = handle::kEnvelopeSize + handle::kHeaderSize;
constexpr std::size_t kValueFixed = 14;  // index, timestamp, TTL type, TTL, permissions

// Unchecked big-endian reads, not the bounded Reader: each caller has looked at the size first, and this runs
// for every answer.
std::uint32_t u32(const char* at) {
  std::uint32_t v = 0;
  std::memcpy(&v, at, sizeof v);
  return __builtin_bswap32(v);
}
std::uint16_t u16(const char* at) {
  std::uint16_t v = 0;
  std::memcpy(&v, at, sizeof v);
  return __builtin_bswap16(v);
}

// Steps over `bytes`: a length and so many octets.
bool skip_bytes(std::string_view body, std::size_t& at) {
  if (body.size() - at < 4) return false;
  const std::uint32_t size = u32(body.data() + at);
  at += 4;
  if (size > body.size() - at) return false;
  at += size;
  return true;
}

bool skip_value(std::string_view body, std::size_t& at) {
  if (body.size() - at < kValueFixed) return false;
  at += kValueFixed;
  if (!skip_bytes(body, at) || !skip_bytes(body, at) || body.size() - at < 4) return false;
  std::uint32_t references = u32(body.data() + at);
  at += 4;
  for (; references > 0; --references) {
    if (!skip_bytes(body, at) || body.size() - at < 4) return false;
    at += 4;
  }
  return true;
}

bool values_right(std::string_view body, std::size_t at, bool whole, std::uint32_t wanted) {
  if (body.size() - at < 4) return false;
  const std::uint32_t count = u32(body.data() + at);
  if (count == 0 || (wanted != 0 && count != wanted)) return false;
  if (!whole) return true;
  at += 4;
  for (std::uint32_t i = 0; i < count; ++i)
    if (!skip_value(body, at)) return false;
  return at == body.size();
}

}  // namespace

void HandleDialect::put_id(char* frame, std::uint32_t id) {
  id = __builtin_bswap32(id);
  std::memcpy(frame + kIdAt, &id, sizeof id);
}

bool HandleDialect::read_id(std::string_view answer, std::uint32_t& id) {
  if (answer.size() < handle::kEnvelopeSize || u32(answer.data() + kSequenceAt) != 0) return false;
  id = u32(answer.data() + kIdAt);
  return true;
}

std::size_t HandleDialect::frame_size(std::string_view in) {
  if (in.size() < handle::kEnvelopeSize) return 0;
  const std::uint32_t length = u32(in.data() + kLengthAt);
  if (length > handle::kMaxMessage) return in.size() + 1;
  const std::size_t whole = handle::kEnvelopeSize + length;
  return whole <= in.size() ? whole : 0;
}

bool HandleDialect::right(std::string_view answer, const Question& question, const Expected& expected) {
  if (answer.size() < kBodyAt) return false;
  const char* const a = answer.data();
  if (u32(a + kOpcodeAt) != 1 || u32(a + kCodeAt) != expected.code) return false;
  const std::size_t length = u32(a + kLengthAt);
  const std::size_t body_length = u32(a + kBodyLengthAt);
  if (body_length > handle::kMaxMessage || handle::kHeaderSize + body_length > length) return false;
  if (expected.code != 1) return true;
  const bool whole = handle::kEnvelopeSize + length <= answer.size();
  const std::string_view body = answer.substr(kBodyAt, whole ? body_length : answer.npos);
  const std::string_view name = question.name;
  if (body.size() < 4 + name.size() || u32(body.data()) != name.size()) return false;
  if (std::memcmp(body.data() + 4, name.data(), name.size()) != 0) return false;
  return values_right(body, 4 + name.size(), whole, expected.values);
}

void DnsDialect::put_id(char* frame, std::uint32_t id) {
  frame[0] = static_cast<char>(id >> 8);
  frame[1] = static_cast<char>(id);
}

bool DnsDialect::read_id(std::string_view answer, std::uint32_t& id) {
  if (answer.size() < 12) return false;
  id = u16(answer.data());
  return true;
}

bool DnsDialect::right(std::string_view answer, const Question& question, const Expected&) {
  const unsigned flags = u16(answer.data() + 2);
  const bool answered = (flags & 0x8000U) != 0 && (flags & 0xfU) == 0 && u16(answer.data() + 6) >= 1;
  return answered && answer.substr(12).starts_with(question.name);
}

}  // namespace idnode::load
