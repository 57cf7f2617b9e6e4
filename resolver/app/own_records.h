// The records that a node holds about itself: its prefixes homed with their markers, and pinned prefix
// records with its HS_SITE (ARCHITECTURE.md, "What init writes"). Everything goes through the committer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/crypto/key.h"
#include "protocol/handle/site.h"
#include "protocol/result.h"
#include "protocol/value.h"
#include "resolver/logic/settings.h"
#include "storage/commit/committer.h"
#include "storage/commit/mutation.h"
#include "storage/store.h"

namespace idnode {

inline constexpr std::uint32_t kSiteIndex = 1;
inline constexpr std::uint32_t kAdminIndex = 100;
inline constexpr std::uint32_t kKeyIndex = 300;

// "0.NA/88.118", "88.118/ADMIN"; "0.NA/0.NA" and "0.NA/ADMIN" for a top-level node.
std::string prefix_record_name(const std::string& prefix);
std::string administrator_name(const Settings& settings);

// The site record with these facts. Interfaces: TCP, then UDP. `port`: what clients connect to.
handle::Site make_site(const Settings& settings, std::uint16_t port, const crypto::PublicKey& key,
                       std::uint16_t serial);
// Whether two site records differ in anything but their serial.
bool same_site(const handle::Site& a, const handle::Site& b);
// 1..65535, then 1 again.
std::uint16_t next_serial(std::uint16_t serial);

// Octets of the HS_SITE value in the pinned record of the first prefix; empty when there is none.
Result<std::string> published_site(const Store& store, const Settings& settings);

// `<first prefix>/ADMIN` with 100 HS_ADMIN (itself) and 300 HS_PUBKEY. It must be absent.
Mutation administrator_record(const Settings& settings, const crypto::PublicKey& key, std::uint32_t seconds);

// What is missing of every prefix: its home, its marker, its pinned record with `site`. Administrators of a
// new pinned record are those of the first prefix's record, else the first administrator.
Result<std::vector<Mutation>> missing_prefixes(const Store& store, const Settings& settings,
                                               const std::string& site, std::uint32_t seconds);

// Every prefix record that carries exactly `old_site` in an HS_SITE value (or one of its sub-types), with
// `new_site` instead. The first prefix's record, by which a site counts as published, is the last.
Result<std::vector<Mutation>> moved_site(const Store& store, const Settings& settings,
                                         const std::string& old_site, const std::string& new_site,
                                         std::uint32_t seconds);

// Waits for all of them; the first that was not committed is the error (kAgain: kBusy, somebody else writes).
Result<void> commit_all(Committer& committer, std::vector<Mutation> mutations);

}  // namespace idnode
