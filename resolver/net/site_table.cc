#include "resolver/net/site_table.h"

#include <algorithm>

namespace idnode {

std::shared_ptr<const PrefixSites> SiteTable::find(std::string_view folded_prefix, bool verified,
                                                   std::uint64_t steady_ms) const {
  const auto it = table_.find(std::string(folded_prefix));
  if (it == table_.end() || it->second.expires <= steady_ms) return nullptr;
  if (verified && !it->second.sites->verified) return nullptr;
  return it->second.sites;
}

void SiteTable::put(std::string_view folded_prefix, std::shared_ptr<const PrefixSites> sites,
                    std::uint32_t seconds, std::uint64_t steady_ms) {
  if (seconds == 0) {
    drop(folded_prefix);
    return;
  }
  if (table_.size() >= kMostPrefixes) {
    std::erase_if(table_, [&](const auto& item) { return item.second.expires <= steady_ms; });
    // Still full: any other makes room; the table is far larger than the prefixes there are.
    if (table_.size() >= kMostPrefixes) table_.erase(table_.begin());
  }
  table_[std::string(folded_prefix)] = {std::move(sites),
                                        steady_ms + std::uint64_t{std::min(seconds, kMostSeconds)} * 1000};
}

void SiteTable::drop(std::string_view folded_prefix) { table_.erase(std::string(folded_prefix)); }

}  // namespace idnode
