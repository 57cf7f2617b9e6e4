// Everything an operator can set, as plain values; one struct a TOML table. app/config fills it from the
// field table; the rest of the node reads an immutable snapshot.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/address.h"
#include "protocol/limits.h"
#include "protocol/value.h"

namespace idnode {

struct NodeSettings {
  std::string data = "var/data";  // absolute once loaded (relative to the config file's folder in the file)
  std::vector<std::string> site_address = {"127.0.0.1"};
  std::uint16_t site_port = 0;        // 0: the first Handle listener's
  std::vector<std::string> prefixes;  // "88.118"; "0.NA" makes a top-level node
  std::vector<Reference> administrators;
  std::uint32_t workers = 0;  // 0: one per core
  std::uint32_t spin_us = 0;  // how long a worker polls before it sleeps
  bool case_sensitive = false;
  bool default_administrator = true;
};

struct ListenSettings {
  std::vector<Endpoint> handle;
  std::vector<Endpoint> http;
  std::vector<Endpoint> https;
  std::vector<Endpoint> admin;
  bool udp_admin = false;
};

struct TlsSettings {
  std::string certificate;
  std::string key;
};

struct ReplicationSettings {
  bool serve = false;
};

struct UpstreamSettings {
  enum class Mode { kIterate, kForward };
  std::vector<Endpoint> servers;
  Mode mode = Mode::kIterate;
  std::vector<Network> clients;
  std::vector<Network> allow;
  bool send_service_referral = true;  // 302 to clients that understand it, else 301 (BEHAVIOUR.md §17.5)
};

struct StorageSettings {
  enum class Tier { kAuto, kOff };
  std::uint64_t memory_mb = 1024;
  Tier resident = Tier::kAuto;

  std::uint64_t memory_bytes() const { return memory_mb << 20; }
  // Of them for the memory tier; 0: there is none.
  std::uint64_t resident_bytes() const { return resident == Tier::kOff ? 0 : memory_bytes() / 2; }
};

struct IdisSettings {
  bool connection_sessions = true;
  bool ignore_po_when_authenticated = true;
  bool response_codes = false;
};

struct LogSettings {
  enum class Format { kJson, kText };
  Format format = Format::kJson;
  std::string access = "var/access.log";  // absolute once loaded; "" = off
  std::string level = "info";
};

// Behaviour that the specification leaves open (BEHAVIOUR.md §18); [compat] in the file.
struct CompatSettings {
  bool list_stored_keys = false;
  bool require_admin_value = false;
  bool modify_overwrite_adds = false;
  bool enforce_admin_write_on_remove = false;
  bool allow_list = true;
  bool status_handle = true;
  std::string template_delimiter;      // item codes from one base record (BEHAVIOUR.md §7.7); empty: none
  bool legacy_prefix_referral = true;  // resolve a 303 ourselves for clients that suggest less than 2.10
};

struct Settings {
  NodeSettings node;
  ListenSettings listen;
  TlsSettings tls;
  ReplicationSettings replication;
  UpstreamSettings upstream;
  StorageSettings storage;
  IdisSettings idis;
  LogSettings log;
  CompatSettings compat;
  Limits limits;                 // protocol/limits.h
  std::vector<Network> trusted;  // [limits] trusted
};

}  // namespace idnode
