#include "resolver/app/init.h"

#include <sys/stat.h>

#include <chrono>
#include <filesystem>

#include "protocol/crypto/key_file.h"
#include "resolver/app/key_store.h"
#include "resolver/app/own_records.h"
#include "storage/commit/committer.h"
#include "storage/data_folder.h"
#include "storage/log/file.h"
#include "storage/log/replay.h"
#include "storage/rocks_store.h"

namespace idnode {
namespace {

namespace fs = std::filesystem;

std::unexpected<OpenError> failed(const std::string& what, Errc code) {
  return open_error(code, what + ": " + std::string(name(code)));
}

struct KeyFile {
  std::string path;
  std::string octets;
  unsigned mode;
};

Opened<std::vector<KeyFile>> key_files(const std::string& folder, const crypto::PrivateKey& key) {
  std::vector<KeyFile> out = {{folder + "/admin.pem", key.pem(), 0600},
                              {folder + "/admin.pub.pem", key.public_key().pem(), 0644}};
  // The Handle System's own file format knows RSA and DSA only.
  if (auto octets = crypto::write_key_file(key)) {
    out.push_back({folder + "/admin.bin", std::move(*octets), 0600});
  } else if (octets.error() != Errc::kUnsupported) {
    return failed(folder + "/admin.bin", octets.error());
  }
  return out;
}

Opened<void> make_folder(const std::string& path, unsigned mode) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {};
  fs::create_directories(path, error);
  if (error)
    return open_error(
        Errc::kIo, path + ": cannot be made (" + error.message() + "); check the path and its permissions");
  chmod(path.c_str(), mode);
  return {};
}

Opened<void> nothing_in_the_way(const std::vector<KeyFile>& files) {
  std::error_code ignored;
  for (const KeyFile& file : files) {
    if (fs::exists(fs::symlink_status(file.path, ignored))) {
      return open_error(Errc::kExists,
                        file.path + ": is there already; name another --key-out, or replace it with --force");
    }
  }
  return {};
}

std::uint32_t seconds_now() {
  using namespace std::chrono;
  return static_cast<std::uint32_t>(duration_cast<seconds>(system_clock::now().time_since_epoch()).count());
}

// The records, through log and store like any other.
Opened<void> write_records(DataFolder& folder, const Settings& settings, const crypto::PublicKey& node_key,
                           const crypto::PublicKey& admin_key) {
  auto store = RocksStore::open(
      folder.store(), {.memory_bytes = std::size_t{64} << 20, .journal_path = folder.store_journal()});
  if (!store) return std::unexpected(store.error());
  auto opened = open_committed(folder, **store);
  if (!opened) return std::unexpected(opened.error());
  const std::uint16_t listener = settings.listen.handle.front().port;
  std::string site;
  handle::encode(make_site(settings, site_port(settings, listener != 0 ? listener : 2'641), node_key, 1),
                 site);
  const std::uint32_t now = seconds_now();
  auto mutations = missing_prefixes(**store, settings, site, now);
  if (!mutations) return failed(folder.path(), mutations.error());
  mutations->push_back(administrator_record(settings, admin_key, now));
  auto committer =
      std::make_unique<Committer>(**store, *opened->log, CommitLimits{}, [](std::span<const Committed>) {});
  if (const auto done = commit_all(*committer, std::move(*mutations)); !done)
    return failed(folder.path(), done.error());
  committer.reset();
  if (const auto closed = close_committed(*opened->log, **store); !closed)
    return failed(folder.path(), closed.error());
  return {};
}

// `made`: whether the folder became ours, so that a failure may empty it again.
Opened<void> fill_folder(const Settings& settings, const crypto::PrivateKey& node_key,
                         const crypto::PrivateKey& admin_key, bool& made) {
  auto folder = DataFolder::create(settings.node.data, settings.node.case_sensitive);
  if (!folder) return std::unexpected(folder.error());
  made = true;
  auto done = write_records(*folder, settings, node_key.public_key(), admin_key.public_key());
  // Last: a folder with a key is a whole one.
  if (done) done = write_new_file(node_key_path(folder->path()), node_key.pem(), 0600, false);
  if (!done) return done;
  const std::string parent = fs::path(folder->path()).parent_path().string();
  if (const auto named = real_files().sync_folder(parent); !named) return failed(parent, named.error());
  return {};
}

void empty_folder(const std::string& path) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path, ignored)) fs::remove_all(entry.path(), ignored);
  fs::remove(path, ignored);
}

}  // namespace

Opened<std::vector<std::string>> init_node(const Config& config, const InitOptions& options) {
  const Settings& settings = config.settings;
  const std::string& data = settings.node.data;
  std::error_code ignored;
  // Asked before anything is made, so that a node that runs keeps its administrator's keys.
  if (fs::exists(data + "/FORMAT", ignored)) {
    return open_error(Errc::kExists,
                      data + ": is a data folder already; name another one in [node] data, or remove it");
  }
  const auto node_key = crypto::PrivateKey::generate(crypto::KeyKind::kRsa);
  const auto admin_key = crypto::PrivateKey::generate(options.key_kind);
  if (!node_key) return failed("node key", node_key.error());
  if (!admin_key) return failed("administrator's key", admin_key.error());

  if (const auto made = make_folder(options.key_folder, 0700); !made) return std::unexpected(made.error());
  const auto files = key_files(options.key_folder, *admin_key);
  if (!files) return std::unexpected(files.error());
  if (!options.force) {
    if (const auto clear = nothing_in_the_way(*files); !clear) return std::unexpected(clear.error());
  }
  const std::string parent = fs::path(data).parent_path().string();
  if (const auto made = make_folder(parent, 0755); !made) return std::unexpected(made.error());

  bool ours = false;
  auto done = fill_folder(settings, *node_key, *admin_key, ours);
  for (std::size_t i = 0; done && i < files->size(); ++i) {
    const KeyFile& file = (*files)[i];
    done = write_new_file(file.path, file.octets, file.mode, options.force);
  }
  if (!done) {
    if (ours) empty_folder(data);
    return std::unexpected(done.error());
  }

  std::vector<std::string> made = {"data folder " + data, "node key " + node_key_path(data)};
  for (const std::string& prefix : settings.node.prefixes)
    made.push_back("prefix " + prefix + ", homed, with its record " + prefix_record_name(prefix));
  made.push_back("administrator " + std::to_string(kKeyIndex) + ":" + administrator_name(settings));
  for (const KeyFile& file : *files) made.push_back("key file " + file.path);
  return made;
}

}  // namespace idnode
