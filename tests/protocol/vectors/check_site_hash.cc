#include "protocol/bytes.h"
#include "protocol/crypto/digest.h"
#include "protocol/handle/site_hash.h"
#include "tests/protocol/vectors/checks.h"

namespace idnode::vectors {

namespace {

void check_hash(const Vector& v, Verdict& verdict) {
  const std::string handle = text(v.fields, "handle");
  for (const Json& each : list(v.fields, "options")) {
    const Object& o = each.as_object();
    const auto option = static_cast<handle::HashOption>(number(o, "hash_option"));
    const std::string md5 = crypto::digest(crypto::Digest::kMd5, octets(o, "hashed_bytes"));
    verdict.equal("md5 of the part", md5, octets(o, "md5"));
    if (option == handle::HashOption::kWhole) verdict.equal("md5 of the whole", md5, v.octets);
    verdict.equal("hash", handle::site_hash(handle, option), number(o, "hash"));
    for (const auto& [count, server] : object(o, "server_index_by_count")) {
      const std::size_t servers = std::stoul(std::string(count));
      verdict.equal("server", handle::server_of_site(handle, option, servers), number(server));
    }
  }
}

}  // namespace

std::span<const Row> site_hash_rows() {
  static constexpr Row kRows[] = {{"hash", check_hash}};
  return kRows;
}

}  // namespace idnode::vectors
