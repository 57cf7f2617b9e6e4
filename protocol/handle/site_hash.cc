#include "protocol/handle/site_hash.h"

#include <string>

#include "protocol/bytes.h"
#include "protocol/crypto/digest.h"

namespace idnode::handle {

namespace {

// A name without a slash belongs to the prefix 0.NA (WIRE.md §22, 1).
std::string_view part_of(std::string_view name, HashOption option) {
  const std::size_t slash = name.find('/');
  switch (option) {
    case HashOption::kPrefix: return slash == std::string_view::npos ? "0.NA" : name.substr(0, slash);
    case HashOption::kSuffix: return slash == std::string_view::npos ? name : name.substr(slash + 1);
    case HashOption::kWhole: break;
  }
  return name;
}

}  // namespace

std::uint32_t site_hash(std::string_view name, HashOption option) {
  std::string folded(part_of(name, option));
  for (char& c : folded) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  const std::string md5 = crypto::digest(crypto::Digest::kMd5, folded);
  const std::uint32_t last = Reader(std::string_view(md5).substr(12)).u32();
  // Unsigned negation: 80000000 stays 2^31, which is its absolute value in wider arithmetic.
  return (last & 0x80000000U) != 0 ? 0U - last : last;
}

std::size_t server_of_site(std::string_view name, HashOption option, std::size_t servers) {
  return servers <= 1 ? 0 : site_hash(name, option) % servers;
}

}  // namespace idnode::handle
