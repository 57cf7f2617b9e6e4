// Bootstrap files; the first octet chooses which.
#include "protocol/handle/bootstrap.h"
#include "tests/fuzz/target.h"

using namespace idnode;

namespace {

void root_information(std::string_view file) {
  const auto values = handle::decode_root_information(file);
  if (!values) return;
  std::string out;
  handle::encode_root_information(*values, out);
  fuzz::must(handle::decode_root_information(out) == values);
}

void local_sites(std::string_view file) {
  const auto sites = handle::decode_local_sites(file);
  if (!sites) return;
  std::string out;
  handle::encode_local_sites(*sites, out);
  fuzz::must(handle::decode_local_sites(out) == sites);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view file = fuzz::view(data, size).substr(1);
  if ((data[0] & 1) == 0)
    root_information(file);
  else
    local_sites(file);
  return 0;
}
