// Where the identifiers of foreign prefixes are served: what prefix look-ups have found (BEHAVIOUR.md §17.3,
// "prefix site records"). Upstream thread only. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/handle/codes.h"
#include "protocol/handle/site.h"

namespace idnode {

// Immutable; a question that uses it keeps it.
struct PrefixSites {
  handle::ResponseCode code = handle::ResponseCode::kSuccess;  // 1, or 100: nobody serves the prefix
  std::vector<handle::Site> sites;
  bool global = false;    // also the configured servers (HS_SERV names the root)
  bool verified = false;  // every answer it comes from was signed and checked
  std::uint64_t found_steady_ms = 0;
};

class SiteTable {
 public:
  static constexpr std::size_t kMostPrefixes = 20'000;
  static constexpr std::uint32_t kMostSeconds = 86'400;

  // Null when nothing is known, it has expired, or only without verification while that is asked for.
  std::shared_ptr<const PrefixSites> find(std::string_view folded_prefix, bool verified,
                                          std::uint64_t steady_ms) const;
  // seconds 0: not kept (and what was kept goes).
  void put(std::string_view folded_prefix, std::shared_ptr<const PrefixSites> sites, std::uint32_t seconds,
           std::uint64_t steady_ms);
  void drop(std::string_view folded_prefix);
  void clear() { table_.clear(); }
  std::size_t size() const { return table_.size(); }

 private:
  struct Kept {
    std::shared_ptr<const PrefixSites> sites;
    std::uint64_t expires = 0;
  };
  std::unordered_map<std::string, Kept> table_;
};

}  // namespace idnode
