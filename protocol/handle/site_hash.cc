#include "protocol/handle/site_hash.h"

#include <string>

#include "protocol/bytes.h"
#include "protocol/crypto/digest.h"
#include "protocol/identifier.h"

namespace idnode::handle {

namespace {

std::string_view part_of(std::string_view name, HashOption option) {
  switch (option) {
    case HashOption::kPrefix: return split(name).prefix;
    case HashOption::kSuffix: return split(name).suffix;
    case HashOption::kWhole: break;
  }
  return name;
}

}  // namespace

std::uint32_t site_hash(std::string_view name, HashOption option) {
  const std::string md5 = crypto::digest(crypto::Digest::kMd5, fold(part_of(name, option)));
  const std::uint32_t last = Reader(std::string_view(md5).substr(12)).u32();
  // Unsigned negation: 80000000 stays 2^31, which is its absolute value in wider arithmetic.
  return (last & 0x80000000U) != 0 ? 0U - last : last;
}

std::size_t server_of_site(std::string_view name, HashOption option, std::size_t servers) {
  return servers <= 1 ? 0 : site_hash(name, option) % servers;
}

}  // namespace idnode::handle
