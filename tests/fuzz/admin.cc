// HS_ADMIN data.
#include "protocol/handle/admin.h"
#include "tests/fuzz/target.h"

using namespace idnode;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto admin = handle::decode_admin(fuzz::view(data, size));
  if (!admin) return 0;
  std::string out;
  encode(*admin, out);
  fuzz::must(out.size() == size && handle::decode_admin(out) == admin);
  fuzz::must(handle::identity_matches(admin->identity, admin->identity.handle, admin->identity.index));
  fuzz::must(handle::parse_reference(handle::to_text(admin->identity)) == admin->identity);
  return 0;
}
