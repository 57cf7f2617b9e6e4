#include "resolver/logic/routes.h"

#include <algorithm>

#include "protocol/identifier.h"
#include "protocol/value.h"
#include "storage/keys.h"
#include "storage/record.h"

namespace idnode {
namespace {

bool is_site_type(std::string_view type) {
  return same_type(type, "HS_SITE") || same_type(type, "HS_SITE.6");
}
bool is_referral_type(std::string_view type) {
  return same_type(type, "HS_SITE.PREFIX") || same_type(type, "HS_NA_DELEGATE") ||
         same_type(type, "HS_SERV.PREFIX");
}

// Whether a server of somebody's site record is this node: our key, or one of our addresses with one of its
// ports.
bool is_us(const handle::SiteServer& theirs, const handle::Site& our_site) {
  for (const handle::SiteServer& ours : our_site.servers) {
    if (!ours.public_key.empty() && ours.public_key == theirs.public_key) return true;
    if (ours.address != theirs.address) continue;
    for (const handle::Interface& each : theirs.interfaces) {
      if (std::ranges::any_of(ours.interfaces, [&](const handle::Interface& own) {
            return own.protocol == each.protocol && own.port == each.port;
          }))
        return true;
    }
  }
  return false;
}

void take_value(const ValueView& value, const handle::Site& our_site, PrefixEntry& entry) {
  if (has_type(value.type, "HS_ADMIN")) {
    if (Result<handle::Admin> admin = handle::decode_admin(value.data); admin)
      entry.admins.push_back(std::move(*admin));
    return;
  }
  if (!value.public_read()) return;
  if (is_site_type(value.type)) {
    Result<handle::Site> site = handle::decode_site(value.data);
    if (!site) return;
    entry.site_values.append(value.encoded);
    ++entry.site_value_count;
    if (std::ranges::any_of(site->servers, [&](const auto& each) { return is_us(each, our_site); }))
      entry.ours = true;
    entry.sites.push_back(std::move(*site));
  } else if (is_referral_type(value.type)) {
    entry.referral_values.append(value.encoded);
    ++entry.referral_value_count;
  }
}

void take_record(const RecordView& record, const handle::Site& our_site, PrefixEntry& entry) {
  entry.version = record.sequence;
  ValueWalk walk({record.count, record.values});
  for (ValueView value; walk.next(value);) take_value(value, our_site, entry);
}

// A fresh entry that keeps only whether the prefix is homed.
std::shared_ptr<PrefixEntry> bare(const std::string& name, const PrefixEntry* before) {
  auto entry = std::make_shared<PrefixEntry>();
  entry->prefix_handle = name;
  entry->homed = before != nullptr && before->homed;
  return entry;
}

void put(RouteTable& table, std::shared_ptr<const PrefixEntry> entry) {
  const std::string name = entry->prefix_handle;
  if (!entry->homed && entry->version == 0)
    table.prefixes.erase(name);
  else
    table.prefixes.insert_or_assign(name, std::move(entry));
}

// Takes up one image of the store: a home entry or the record of a prefix handle. False: neither.
bool apply(RouteTable& table, std::string_view key, std::string_view image, const handle::Site& our_site,
           Result<void>& status) {
  const bool home = key.starts_with(static_cast<char>(Table::kHomed));
  const bool prefix_record =
      key.starts_with(static_cast<char>(Table::kRecords)) && is_prefix_handle(key.substr(1));
  if (!home && !prefix_record) return false;
  const Result<RecordView> record = parse_record(image);
  if (!record) {
    status = std::unexpected(record.error());
    return false;
  }
  const std::string name(key.substr(1));
  const PrefixEntry* before = table.find(name);
  if (home) {
    auto entry = before != nullptr ? std::make_shared<PrefixEntry>(*before) : bare(name, nullptr);
    entry->homed = !record->tombstone;
    put(table, std::move(entry));
  } else {
    auto entry = bare(name, before);
    if (!record->tombstone) take_record(*record, our_site, *entry);
    put(table, std::move(entry));
  }
  return true;
}

void count(RouteTable& table) {
  table.homed = 0;
  table.pointers = 0;
  for (const auto& [name, entry] : table.prefixes) {
    if (entry->homed)
      ++table.homed;
    else if (!entry->sites.empty() && !entry->ours)
      ++table.pointers;
  }
}

Result<void> scan(const Store& store, const KeyRange& range, const handle::Site& our_site,
                  RouteTable& table) {
  Result<void> status;
  const std::unique_ptr<Cursor> cursor = store.scan(range.from, range.to);
  while (cursor->next()) {
    apply(table, cursor->key(), cursor->image(), our_site, status);
    if (!status) return status;
  }
  return cursor->status();
}

}  // namespace

const PrefixEntry* RouteTable::find(std::string_view folded_prefix_handle) const {
  const auto found = prefixes.find(folded_prefix_handle);
  return found == prefixes.end() ? nullptr : found->second.get();
}

bool RouteTable::is_homed(std::string_view folded_prefix_handle) const {
  const PrefixEntry* entry = find(folded_prefix_handle);
  return entry != nullptr && entry->homed;
}

Result<std::shared_ptr<const RouteTable>> Routes::load(const Store& store, const handle::Site& our_site) {
  auto table = std::make_shared<RouteTable>();
  for (const KeyRange& range : {table_range(Table::kHomed), records_under("0.NA")}) {
    if (const Result<void> done = scan(store, range, our_site, *table); !done)
      return std::unexpected(done.error());
  }
  count(*table);
  return table;
}

void Routes::publish(std::span<const Committed> group, const handle::Site& our_site) {
  std::shared_ptr<RouteTable> next;  // copied at the first write that matters
  for (const Committed& committed : group) {
    for (const WriteView& write : committed.writes) {
      if (write.key.empty()) continue;
      const bool matters =
          write.key[0] == static_cast<char>(Table::kHomed) ||
          (write.key[0] == static_cast<char>(Table::kRecords) && is_prefix_handle(write.key.substr(1)));
      if (!matters) continue;
      if (next == nullptr) next = std::make_shared<RouteTable>(*current());
      // The image was made and stamped by this process: it can be read.
      Result<void> status;
      apply(*next, write.key, write.image, our_site, status);
    }
  }
  if (next == nullptr) return;
  count(*next);
  replace(std::move(next));
}

}  // namespace idnode
