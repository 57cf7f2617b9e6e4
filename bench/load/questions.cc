#include "bench/load/questions.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "protocol/bytes.h"
#include "resolver/net/client.h"

namespace idnode::load {
namespace {

constexpr std::size_t kLine = 64;
constexpr std::uint32_t kLife = 43'200;  // seconds: the usual expiration of client libraries
constexpr std::size_t kHandleNameAt = handle::kEnvelopeSize + handle::kHeaderSize + 4;
constexpr std::size_t kDnsHead = 12;
constexpr std::size_t kLongestName = 2'048;

struct Encoded {
  std::string frame;
  std::size_t name_at = 0;
  std::size_t name_size = 0;
};

Encoded handle_question(const std::string& name) {
  handle::Request request = make_request(handle::OpCode::kResolve, name);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  request.header.expiration =
      static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count()) + kLife;
  Encoded out{.frame = {}, .name_at = kHandleNameAt, .name_size = name.size()};
  handle::encode_request(request, {}, out.frame);
  return out;
}

// RFC 1035: one question, no recursion wanted.
Encoded dns_question(const std::string& name) {
  Encoded out{
      .frame = std::string("\0\0\0\0\0\1\0\0\0\0\0\0", kDnsHead), .name_at = kDnsHead, .name_size = 0};
  Writer w(out.frame);
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t dot = std::min(name.find('.', at), name.size());
    if (dot == at || dot - at > 63) throw Stop{kUsage, name + ": is no DNS name"};
    w.u8(static_cast<std::uint8_t>(dot - at));
    w.raw(std::string_view(name).substr(at, dot - at));
    at = dot + 1;
  }
  w.u8(0);
  w.u16(16);  // TXT
  w.u16(1);   // IN
  out.name_size = out.frame.size() - kDnsHead;
  return out;
}

Encoded encode(const std::string& name, Payload payload) {
  if (name.size() > kLongestName) throw Stop{kUsage, name + ": is longer than a name may be"};
  return payload == Payload::kDns ? dns_question(name) : handle_question(name);
}

std::size_t stride_of(const Names& names, Payload payload) {
  // Encoding adds the same number of octets to every name.
  const std::size_t added = payload == Payload::kDns ? kDnsHead + 6 : kHandleNameAt + 12;
  return (names.longest() + added + sizeof(std::uint64_t) + kLine - 1) / kLine * kLine;
}

}  // namespace

Questions::Questions(const Names& names, Payload payload)
    : count_(names.count()), stride_(stride_of(names, payload)), mapped_(count_ * stride_) {
  void* memory = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw Stop{kUsage, "not enough memory for so many identifiers"};
  ::madvise(memory, mapped_, MADV_HUGEPAGE);
  octets_ = static_cast<char*>(memory);
  Encoded one;
  for (std::uint64_t i = 0; i < count_; ++i) {
    const std::string name = names[i];
    // The request for a name of the same length differs in the name alone.
    if (i > 0 && payload == Payload::kHandle && name.size() == one.name_size)
      one.frame.replace(one.name_at, name.size(), name);
    else
      one = encode(name, payload);
    char* slot = octets_ + i * stride_;
    const Head head{static_cast<std::uint16_t>(one.frame.size()), static_cast<std::uint16_t>(one.name_at),
                    static_cast<std::uint16_t>(one.name_size), 0};
    if (sizeof head + one.frame.size() > stride_) throw Stop{kUsage, name + ": cannot be asked for"};
    std::memcpy(slot, &head, sizeof head);
    std::memcpy(slot + sizeof head, one.frame.data(), one.frame.size());
  }
}

Questions::~Questions() { ::munmap(octets_, mapped_); }

}  // namespace idnode::load
