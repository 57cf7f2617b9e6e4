// `idnode init` on a real folder, and what start does to a node's own records.
#include "resolver/app/init.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "protocol/crypto/key_file.h"
#include "protocol/handle/admin.h"
#include "resolver/app/key_store.h"
#include "resolver/app/own_records.h"
#include "storage/data_folder.h"
#include "storage/keys.h"
#include "storage/log/replay.h"
#include "storage/record.h"
#include "storage/rocks_store.h"

namespace idnode {
namespace {

namespace fs = std::filesystem;

std::string file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

unsigned mode_of(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

int shell(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()); }

class Init : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = (fs::temp_directory_path() / ("idnode-init-" + std::to_string(getpid()))).string();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Config config(const std::string& more = {},
                const std::string& prefixes = "[\"88.118\", \"88.150\"]") const {
    return parse_config(folder_ + "/idnode.toml",
                        "[node]\ndata = \"var/data\"\nprefixes = " + prefixes + "\n" + more);
  }
  Opened<std::vector<std::string>> init(const Config& c, bool force = false,
                                        crypto::KeyKind kind = crypto::KeyKind::kRsa) const {
    return init_node(c, {.key_folder = folder_ + "/keys", .key_kind = kind, .force = force});
  }
  std::string data() const { return folder_ + "/var/data"; }
  std::string key(const char* name) const { return folder_ + "/keys/" + name; }

  std::string folder_;
};

// An initialised folder, opened as a node does.
struct Opening {
  explicit Opening(const std::string& path) {
    auto opened = DataFolder::open(path, false);
    if (!opened) return;
    folder.emplace(std::move(*opened));
    store = std::move(
        *RocksStore::open(folder->store(), {.memory_bytes = std::size_t{64} << 20, .journal_path = {}}));
    log = std::move(open_committed(folder->log(), *store)->log);
  }
  std::vector<Value> values(const std::string& name) const {
    std::string image;
    const auto found = store->get(record_key(name, false), image, Depth::kDisk);
    if (!found || !*found) return {};
    const auto record = parse_record(image);
    return to_values({record->count, record->values});
  }
  bool homed(const std::string& name) const {
    std::string image;
    const auto found = store->get(homed_key(name), image, Depth::kDisk);
    return found && *found && !parse_record(image)->tombstone;
  }
  std::optional<DataFolder> folder;
  std::unique_ptr<RocksStore> store;
  std::unique_ptr<Log> log;
};

TEST_F(Init, MakesFolderKeysAndRecords) {
  const Config c = config();
  const auto made = init(c);
  ASSERT_TRUE(made.has_value()) << made.error().text;
  EXPECT_GE(made->size(), 6U);

  EXPECT_EQ(mode_of(key("admin.pem")), 0600U);
  EXPECT_EQ(mode_of(key("admin.bin")), 0600U);
  EXPECT_EQ(mode_of(node_key_path(data())), 0600U);
  EXPECT_EQ(mode_of(folder_ + "/keys"), 0700U);
  EXPECT_EQ(file_text(data() + "/FORMAT"), "2\n");

  // OpenSSL reads them, and all three are one key.
  EXPECT_EQ(shell("openssl pkey -noout -in " + key("admin.pem")), 0);
  EXPECT_EQ(shell("openssl pkey -noout -pubin -in " + key("admin.pub.pem")), 0);
  EXPECT_EQ(shell("test \"$(openssl pkey -pubout -in " + key("admin.pem") + ")\" = \"$(cat " +
                  key("admin.pub.pem") + ")\""),
            0);
  const auto pem = crypto::PrivateKey::from_pem(file_text(key("admin.pem")));
  const auto bin = crypto::read_key_file(file_text(key("admin.bin")));
  ASSERT_TRUE(pem && bin);
  EXPECT_EQ(pem->bits(), 2048);
  EXPECT_EQ(pem->public_key().serialize(), bin->public_key().serialize());

  const Opening open(data());
  ASSERT_TRUE(open.store);
  const auto admin = open.values("88.118/ADMIN");
  ASSERT_EQ(admin.size(), 2U);
  EXPECT_EQ(admin[0].index, 100U);
  EXPECT_EQ(admin[0].type, "HS_ADMIN");
  const auto rights = handle::decode_admin(admin[0].data);
  ASSERT_TRUE(rights);
  EXPECT_EQ(rights->permissions, handle::kAllPermissions);
  EXPECT_EQ(handle::to_text(rights->identity), "300:88.118/ADMIN");
  EXPECT_EQ(admin[1].index, 300U);
  EXPECT_EQ(admin[1].type, "HS_PUBKEY");
  EXPECT_EQ(admin[1].data, pem->public_key().serialize());

  const auto node_key = read_node_key(node_key_path(data()));
  ASSERT_TRUE(node_key.has_value()) << node_key.error().text;
  for (const std::string prefix : {"88.118", "88.150"}) {
    EXPECT_TRUE(open.homed("0.NA/" + prefix));
    EXPECT_TRUE(open.homed("0.NA/0.NA/" + prefix));
    const auto values = open.values("0.NA/" + prefix);
    ASSERT_EQ(values.size(), 2U);
    EXPECT_EQ(values[0].type, "HS_SITE");
    EXPECT_EQ(values[1].type, "HS_ADMIN");
    const auto site = handle::decode_site(values[0].data);
    ASSERT_TRUE(site);
    ASSERT_EQ(site->servers.size(), 1U);
    EXPECT_EQ(handle::address_text(site->servers[0].address), "127.0.0.1");
    EXPECT_EQ(site->servers[0].public_key, node_key->public_key().serialize());
    // BEHAVIOUR §20.40: clients of the industrial SDK take the first TCP interface of the first server.
    const std::vector<handle::Interface> expected = {{3, 1, 2641}, {2, 0, 2641}};
    EXPECT_EQ(site->servers[0].interfaces, expected);
  }
}

TEST_F(Init, ATopLevelNodeHomesTheRoot) {
  ASSERT_TRUE(init(config({}, "[\"0.NA\"]")).has_value());
  const Opening open(data());
  ASSERT_TRUE(open.store);
  EXPECT_TRUE(open.homed("0.NA/0.NA"));
  EXPECT_FALSE(open.homed("0.NA/0.NA/0.NA"));
  EXPECT_EQ(open.values("0.NA/ADMIN").size(), 2U);
  EXPECT_EQ(open.values("0.NA/0.NA").size(), 2U);
}

TEST_F(Init, RefusesWhatIsInTheWayAndKeepsIt) {
  ASSERT_TRUE(init(config()).has_value());
  const std::string before = file_text(key("admin.pem"));
  const auto again = init(config(), true);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, Errc::kExists);
  EXPECT_NE(again.error().text.find(data()), std::string::npos) << again.error().text;
  EXPECT_EQ(file_text(key("admin.pem")), before);

  fs::remove_all(data());
  const auto keys = init(config());
  ASSERT_FALSE(keys.has_value());
  EXPECT_NE(keys.error().text.find("admin.pem"), std::string::npos) << keys.error().text;
  EXPECT_FALSE(fs::exists(data()));
  ASSERT_TRUE(init(config(), true).has_value());
  EXPECT_NE(file_text(key("admin.pem")), before);
}

TEST_F(Init, AForeignFolderStaysAsItWas) {
  fs::create_directories(data());
  std::ofstream(data() + "/precious") << "x";
  const auto made = init(config());
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Errc::kExists) << made.error().text;
  EXPECT_EQ(file_text(data() + "/precious"), "x");
  EXPECT_FALSE(fs::exists(key("admin.pem")));
}

TEST_F(Init, KeyFilesThatCannotBeWrittenLeaveNoFolder) {
  fs::create_directories(key("admin.pem"));  // a folder where the file should go
  fs::create_directories(key("admin.pem") + "/full");
  const auto made = init(config(), true);
  ASSERT_FALSE(made.has_value());
  EXPECT_FALSE(fs::exists(data()));
}

TEST_F(Init, OtherKindsOfKeys) {
  for (const auto kind : {crypto::KeyKind::kP256, crypto::KeyKind::kEd25519, crypto::KeyKind::kSm2}) {
    fs::remove_all(folder_ + "/var");
    fs::remove_all(folder_ + "/keys");
    ASSERT_TRUE(init(config(), false, kind).has_value());
    EXPECT_TRUE(crypto::PrivateKey::from_pem(file_text(key("admin.pem"))).has_value());
    EXPECT_FALSE(fs::exists(key("admin.bin")));  // that format has no such keys
  }
}

TEST_F(Init, TheNodesKeyMustBeThereAndPrivate) {
  ASSERT_TRUE(init(config()).has_value());
  const std::string path = node_key_path(data());
  chmod(path.c_str(), 0640);
  auto key = read_node_key(path);
  ASSERT_FALSE(key.has_value());
  EXPECT_NE(key.error().text.find("chmod 600 " + path), std::string::npos);
  chmod(path.c_str(), 0600);
  std::ofstream(path) << "no key";
  EXPECT_FALSE(read_node_key(path).has_value());
  fs::remove(path);
  key = read_node_key(path);
  ASSERT_FALSE(key.has_value());
  EXPECT_NE(key.error().text.find(path), std::string::npos);
}

TEST_F(Init, StartHomesWhatIsMissingAndMovesTheSite) {
  ASSERT_TRUE(init(config({}, "[\"88.118\"]")).has_value());
  Opening open(data());
  ASSERT_TRUE(open.store);
  const Config more = config("[listen]\nhandle = [\"127.0.0.1:4000\"]\nudp_admin = true\n");
  const Settings& settings = more.settings;
  const auto published = published_site(*open.store, settings);
  ASSERT_TRUE(published && !published->empty());
  const handle::Site before = *handle::decode_site(*published);
  const auto key = read_node_key(node_key_path(data()));
  handle::Site after = make_site(settings, 4'000, key->public_key(), next_serial(before.serial));
  EXPECT_FALSE(same_site(before, after));
  std::string octets;
  handle::encode(after, octets);

  Committer committer(*open.store, *open.log, CommitLimits{}, [](std::span<const Committed>) {});
  auto missing = missing_prefixes(*open.store, settings, octets, 7);
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->size(), 3U);  // home, marker and record of 88.150
  ASSERT_TRUE(commit_all(committer, std::move(*missing)));
  auto moved = moved_site(*open.store, settings, *published, octets, 7);
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->size(), 1U);
  ASSERT_TRUE(commit_all(committer, std::move(*moved)));

  EXPECT_EQ(*published_site(*open.store, settings), octets);
  EXPECT_EQ(handle::decode_site(octets)->serial, before.serial + 1);
  EXPECT_TRUE(open.homed("0.NA/88.150"));
  const auto values = open.values("0.NA/88.118");
  ASSERT_EQ(values.size(), 2U);
  EXPECT_EQ(values[0].timestamp, 7U);
  EXPECT_NE(values[1].timestamp, 7U);
  EXPECT_TRUE(missing_prefixes(*open.store, settings, octets, 8)->empty());
  EXPECT_TRUE(moved_site(*open.store, settings, *published, octets, 8)->empty());
}

TEST(Site, FurtherAddressesAreAttributesAndIpv4ComesFirst) {
  Settings settings;
  settings.node.site_address = {"2001:db8::1", "192.0.2.1"};
  const auto key = crypto::PrivateKey::generate(crypto::KeyKind::kP256);
  const handle::Site site = make_site(settings, 1, key->public_key(), 9);
  ASSERT_EQ(site.servers.size(), 1U);
  EXPECT_EQ(handle::address_text(site.servers[0].address), "192.0.2.1");
  const std::vector<std::pair<std::string, std::string>> expected = {{"alt_addr", "2001:db8::1"}};
  EXPECT_EQ(site.attributes, expected);
  EXPECT_EQ(next_serial(65'535), 1);
}

}  // namespace
}  // namespace idnode
