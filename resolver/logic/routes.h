// What this node answers for: homed prefixes, and what it knows of the prefix records behind them. One
// immutable table, replaced by the commit thread before it acknowledges, read by one atomic load (design:
// "Routes").
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/handle/admin.h"
#include "protocol/handle/site.h"
#include "protocol/result.h"
#include "protocol/snapshot.h"
#include "storage/commit/committer.h"
#include "storage/store.h"

namespace idnode {

// One prefix record 0.NA/x held here. Immutable.
struct PrefixEntry {
  std::string prefix_handle;        // folded, "0.NA/88.118.5"
  bool homed = false;               // ordinary identifiers under it are answered from the store
  std::uint64_t version = 0;        // sequence of its record, 0 when there is none (homed only)
  std::vector<handle::Site> sites;  // of its public HS_SITE (and HS_SITE.6) values
  std::string site_values;          // those values, encoded, for a 302
  std::uint32_t site_value_count = 0;
  std::string referral_values;  // its public HS_SITE.PREFIX, HS_NA_DELEGATE, HS_SERV.PREFIX values, for a 303
  std::uint32_t referral_value_count = 0;
  std::vector<handle::Admin> admins;  // decoded HS_ADMIN values
  bool ours = false;                  // one of its sites is this node
};

struct FoldedHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};

struct RouteTable {
  // By folded prefix handle; also markers ("0.NA/0.NA/88.118", homed only).
  std::unordered_map<std::string, std::shared_ptr<const PrefixEntry>, FoldedHash, std::equal_to<>> prefixes;
  std::size_t homed = 0;
  std::size_t pointers = 0;  // prefix records with a site that is not ours and not homed

  const PrefixEntry* find(std::string_view folded_prefix_handle) const;
  bool is_homed(std::string_view folded_prefix_handle) const;
};

class Routes {
 public:
  // Reads every homed entry and every prefix record of the store. `our_site`: encoded public keys and
  // addresses that mean us are compared with it to tell `ours`.
  static Result<std::shared_ptr<const RouteTable>> load(const Store& store, const handle::Site& our_site);

  void replace(std::shared_ptr<const RouteTable> table) {
    table_.store(std::move(table));
    generation_.fetch_add(1, std::memory_order_release);
  }
  std::shared_ptr<const RouteTable> current() const { return table_.load(); }
  // Raised after each replacement. A reader that keeps current() and looks here before it asks again writes
  // to nothing that is shared.
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  // Commit thread (the publish seam): what a group changed. Cheap when it touched neither homes nor prefix
  // records.
  void publish(std::span<const Committed> group, const handle::Site& our_site);

 private:
  Snapshot<RouteTable> table_{std::make_shared<const RouteTable>()};
  std::atomic<std::uint64_t> generation_{1};
};

}  // namespace idnode
