// The two bootstrap files of the reference implementation, for import only (WIRE.md §20.8).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/handle/site.h"
#include "protocol/result.h"
#include "protocol/value.h"

namespace idnode::handle {

// Root information: length int4 of what follows | list of value. The length word is not looked at.
Result<std::vector<Value>> decode_root_information(std::string_view file);
void encode_root_information(const std::vector<Value>& values, std::string& out);

struct LocalSite {
  std::vector<std::string> prefixes;  // prefix handles, "0.NA/88.118"
  Site site;
  bool operator==(const LocalSite&) const = default;
};
// Local sites: length int4 of the whole file | list of (list of prefix text, site record bytes).
Result<std::vector<LocalSite>> decode_local_sites(std::string_view file);
void encode_local_sites(const std::vector<LocalSite>& sites, std::string& out);

}  // namespace idnode::handle
