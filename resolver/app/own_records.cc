#include "resolver/app/own_records.h"

#include <algorithm>
#include <mutex>

#include "protocol/crypto/random.h"
#include "protocol/handle/admin.h"
#include "protocol/identifier.h"
#include "storage/keys.h"
#include "storage/record.h"

namespace idnode {
namespace {

Value own_value(std::uint32_t index, std::string type, std::string data, std::uint32_t seconds) {
  Value value;
  value.index = index;
  value.timestamp = seconds;
  value.type = std::move(type);
  value.data = std::move(data);
  return value;
}

Value admin_value(const std::string& handle, std::uint32_t seconds) {
  std::string data;
  handle::encode(handle::Admin{handle::kAllPermissions, {handle, kKeyIndex}, false}, data);
  return own_value(kAdminIndex, "HS_ADMIN", std::move(data), seconds);
}

// A mutation by the node itself.
Mutation own_mutation(std::string action) {
  Mutation mutation;
  mutation.id = crypto::random_octets(16).value_or(std::string(16, '\0'));
  mutation.action = std::move(action);
  return mutation;
}

void write_record(Mutation& mutation, std::string key, std::uint64_t version, const std::string& name,
                  std::uint64_t created, const std::vector<Value>& values) {
  std::string encoded;
  encode_all(values, encoded);
  mutation.reads.push_back({key, version});
  mutation.writes.push_back(
      {std::move(key), make_record(name, created, static_cast<std::uint32_t>(values.size()), encoded)});
}

// What is stored under a key; the name is empty when nothing is. A tombstone keeps its version.
struct Held {
  bool present = false;
  std::uint64_t version = 0;
  std::uint64_t created = 0;
  std::string name;
  std::vector<Value> values;
};

Result<Held> held(const Store& store, const std::string& key) {
  std::string image;
  const auto found = store.get(key, image, Depth::kDisk);
  if (!found) return std::unexpected(found.error());
  if (!*found) return Held{};
  const auto record = parse_record(image);
  if (!record) return std::unexpected(record.error());
  Held out;
  out.present = !record->tombstone;
  out.version = record->sequence;
  out.created = record->created;
  out.name = record->name;
  if (out.present) out.values = to_values({record->count, record->values});
  return out;
}

Result<void> add_home(const Store& store, const std::string& name, std::vector<Mutation>& out) {
  const std::string key = homed_key(name);
  const auto now = held(store, key);
  if (!now) return std::unexpected(now.error());
  if (now->present) return {};
  Mutation mutation = own_mutation("home");
  write_record(mutation, key, now->version, name, 0, {});
  out.push_back(std::move(mutation));
  return {};
}

bool is_site_type(std::string_view type) {
  return has_type(type, "HS_SITE") || same_type(type, "HS_NA_DELEGATE");
}

}  // namespace

std::string prefix_record_name(const std::string& prefix) { return "0.NA/" + prefix; }

std::string administrator_name(const Settings& settings) { return settings.node.prefixes.front() + "/ADMIN"; }

handle::Site make_site(const Settings& settings, std::uint16_t port, const crypto::PublicKey& key,
                       std::uint16_t serial) {
  // Clients of the industrial SDK read the first address only, and most of them speak IPv4.
  std::vector<std::string> addresses = settings.node.site_address;
  std::ranges::partition(addresses,
                         [](const std::string& text) { return text.find(':') == std::string::npos; });
  handle::Site site;
  site.serial = serial;
  for (std::size_t i = 1; i < addresses.size(); ++i) site.attributes.emplace_back("alt_addr", addresses[i]);
  handle::SiteServer server;
  server.address = handle::parse_address(addresses.front()).value_or(server.address);
  server.public_key = key.serialize();
  const auto add = [&](handle::InterfaceType type, handle::InterfaceProtocol protocol) {
    server.interfaces.push_back({static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(protocol), port});
  };
  add(handle::InterfaceType::kBoth, handle::InterfaceProtocol::kTcp);
  add(settings.listen.udp_admin ? handle::InterfaceType::kBoth : handle::InterfaceType::kQuery,
      handle::InterfaceProtocol::kUdp);
  site.servers.push_back(std::move(server));
  return site;
}

bool same_site(const handle::Site& a, const handle::Site& b) {
  handle::Site aligned = b;
  aligned.serial = a.serial;
  return a == aligned;
}

std::uint16_t next_serial(std::uint16_t serial) {
  return serial == 65'535 ? 1 : static_cast<std::uint16_t>(serial + 1);
}

Result<std::string> published_site(const Store& store, const Settings& settings) {
  const std::string name = prefix_record_name(settings.node.prefixes.front());
  const auto record = held(store, record_key(name, settings.node.case_sensitive));
  if (!record) return std::unexpected(record.error());
  for (const Value& value : record->values) {
    if (value.index == kSiteIndex && same_type(value.type, "HS_SITE")) return value.data;
  }
  return std::string();
}

Mutation administrator_record(const Settings& settings, const crypto::PublicKey& key, std::uint32_t seconds) {
  const std::string name = administrator_name(settings);
  Mutation mutation = own_mutation("create");
  write_record(mutation, record_key(name, settings.node.case_sensitive), 0, name, 0,
               {admin_value(name, seconds), own_value(kKeyIndex, "HS_PUBKEY", key.serialize(), seconds)});
  return mutation;
}

Result<std::vector<Mutation>> missing_prefixes(const Store& store, const Settings& settings,
                                               const std::string& site, std::uint32_t seconds) {
  std::vector<Mutation> out;
  const std::string first = prefix_record_name(settings.node.prefixes.front());
  const auto first_record = held(store, record_key(first, settings.node.case_sensitive));
  if (!first_record) return std::unexpected(first_record.error());
  std::vector<Value> administrators;
  for (const Value& value : first_record->values) {
    if (has_type(value.type, "HS_ADMIN")) administrators.push_back(value);
  }
  if (administrators.empty()) administrators.push_back(admin_value(administrator_name(settings), seconds));

  for (const std::string& prefix : settings.node.prefixes) {
    const std::string name = prefix_record_name(prefix);
    if (const auto done = add_home(store, name, out); !done) return std::unexpected(done.error());
    // Everything derived from 0.NA is homed with 0.NA/0.NA itself.
    if (!equal_folded(prefix, "0.NA")) {
      if (const auto done = add_home(store, "0.NA/" + name, out); !done) return std::unexpected(done.error());
    }
    const std::string key = record_key(name, settings.node.case_sensitive);
    const auto record = held(store, key);
    if (!record) return std::unexpected(record.error());
    if (record->present) continue;
    std::vector<Value> values = {own_value(kSiteIndex, "HS_SITE", site, seconds)};
    values.insert(values.end(), administrators.begin(), administrators.end());
    Mutation mutation = own_mutation("create");
    write_record(mutation, key, record->version, name, 0, values);
    out.push_back(std::move(mutation));
  }
  return out;
}

Result<std::vector<Mutation>> moved_site(const Store& store, const Settings& settings,
                                         const std::string& old_site, const std::string& new_site,
                                         std::uint32_t seconds) {
  std::vector<Mutation> out;
  std::vector<Mutation> last;
  const std::string first =
      record_key(prefix_record_name(settings.node.prefixes.front()), settings.node.case_sensitive);
  const KeyRange range = records_under("0.NA");
  const auto cursor = store.scan(range.from, range.to);
  while (cursor->next()) {
    const auto record = parse_record(cursor->image());
    if (!record) return std::unexpected(record.error());
    if (record->tombstone) continue;
    std::vector<Value> values = to_values({record->count, record->values});
    bool changed = false;
    for (Value& value : values) {
      if (!is_site_type(value.type) || value.data != old_site) continue;
      value.data = new_site;
      value.timestamp = seconds;
      changed = true;
    }
    if (!changed) continue;
    Mutation mutation = own_mutation("publish_site");
    const std::string key(cursor->key());
    write_record(mutation, key, record->sequence, std::string(record->name), record->created, values);
    (key == first ? last : out).push_back(std::move(mutation));
  }
  if (const auto walked = cursor->status(); !walked) return std::unexpected(walked.error());
  std::ranges::move(last, std::back_inserter(out));
  return out;
}

Result<void> commit_all(Committer& committer, std::vector<Mutation> mutations) {
  std::mutex mutex;
  CommitStatus worst = CommitStatus::kCommitted;
  for (Mutation& mutation : mutations) {
    committer.submit(std::move(mutation), [&](const CommitResult& result) {
      const std::lock_guard lock(mutex);
      if (worst == CommitStatus::kCommitted) worst = result.status;
    });
  }
  committer.drain();
  const std::lock_guard lock(mutex);
  switch (worst) {
    case CommitStatus::kCommitted: return {};
    case CommitStatus::kAgain:
    case CommitStatus::kBusy:
    case CommitStatus::kCeiling: return std::unexpected(Errc::kBusy);
    case CommitStatus::kNoSpace: return std::unexpected(Errc::kNoSpace);
    case CommitStatus::kReadOnly: return std::unexpected(Errc::kReadOnly);
    case CommitStatus::kUnknown: break;
  }
  return std::unexpected(Errc::kIo);
}

}  // namespace idnode
