#include "tests/storage/simulated_disk.h"

#include <algorithm>
#include <functional>
#include <random>
#include <utility>

namespace idnode {

class SimulatedFile final : public LogFile {
 public:
  SimulatedFile(SimulatedDisk& disk, std::string path, std::shared_ptr<SimulatedDisk::Inode> inode)
      : disk_(disk), path_(std::move(path)), inode_(std::move(inode)), life_(disk.life_) {}

  Result<void> write(std::uint64_t offset, std::string_view octets) override {
    std::lock_guard lock(disk_.mutex_);
    if (dead()) return std::unexpected(Errc::kIo);
    auto fault = disk_.fault(DiskOperation::kWrite, path_);
    const std::uint64_t free = disk_.capacity_ - std::min(disk_.capacity_, disk_.used());
    const std::uint64_t end = offset + octets.size();
    const std::uint64_t growth = end - std::min<std::uint64_t>(end, inode_->now.size());
    if (!fault && growth > free) {
      fault = SimulatedDisk::Fault{Errc::kNoSpace, octets.size() - static_cast<std::size_t>(growth - free)};
    }
    if (fault) octets = octets.substr(0, fault->written);
    if (inode_->now.size() < offset + octets.size()) inode_->now.resize(offset + octets.size(), '\0');
    inode_->now.replace(offset, octets.size(), octets);
    if (fault) return std::unexpected(fault->error);
    return {};
  }

  Result<std::string> read(std::uint64_t offset, std::size_t size) const override {
    std::lock_guard lock(disk_.mutex_);
    if (dead()) return std::unexpected(Errc::kIo);
    return inode_->now.substr(std::min<std::size_t>(offset, inode_->now.size()), size);
  }

  Result<std::uint64_t> size() const override {
    std::lock_guard lock(disk_.mutex_);
    return inode_->now.size();
  }

  Result<void> truncate(std::uint64_t size) override {
    std::lock_guard lock(disk_.mutex_);
    if (dead()) return std::unexpected(Errc::kIo);
    if (const auto fault = disk_.fault(DiskOperation::kTruncate, path_)) return std::unexpected(fault->error);
    inode_->now.resize(size, '\0');
    return {};
  }

  Result<void> sync() override {
    std::lock_guard lock(disk_.mutex_);
    if (dead()) return std::unexpected(Errc::kIo);
    if (const auto fault = disk_.fault(DiskOperation::kSync, path_)) return std::unexpected(fault->error);
    if (!disk_.ignored(path_)) inode_->synced = inode_->now;
    return {};
  }

 private:
  bool dead() const { return life_ != disk_.life_; }

  SimulatedDisk& disk_;
  const std::string path_;
  std::shared_ptr<SimulatedDisk::Inode> inode_;
  std::uint64_t life_;
};

void SimulatedDisk::plan(Plan plan) {
  PathPlan wrapped;
  if (plan) {
    wrapped = [plan = std::move(plan)](std::uint64_t number, DiskOperation operation, const std::string&) {
      return plan(number, operation);
    };
  }
  plan_paths(std::move(wrapped));
}

void SimulatedDisk::plan_paths(PathPlan plan) {
  std::lock_guard lock(mutex_);
  plan_ = std::move(plan);
}

void SimulatedDisk::ignore_syncs(std::string part) {
  std::lock_guard lock(mutex_);
  ignored_ = std::move(part);
}

bool SimulatedDisk::ignored(const std::string& path) const {
  return !ignored_.empty() && path.find(ignored_) != std::string::npos;
}

std::uint64_t SimulatedDisk::operations() const {
  std::lock_guard lock(mutex_);
  return operations_;
}

void SimulatedDisk::capacity(std::uint64_t octets) {
  std::lock_guard lock(mutex_);
  capacity_ = octets;
}

void SimulatedDisk::cut_power(const std::function<std::size_t(std::size_t)>& keep) {
  std::lock_guard lock(mutex_);
  ++life_;
  names_ = synced_names_;
  for (auto& [path, inode] : names_) {
    const std::string& synced = inode->synced;
    std::string after = synced;
    if (inode->now.size() > synced.size()) {
      after += inode->now.substr(synced.size(), keep(inode->now.size() - synced.size()));
    }
    // The inode may still be held by a dead file.
    inode = std::make_shared<Inode>(after, after);
  }
  synced_names_ = names_;
}

namespace {

// What a file is after the power came back.
std::string fate(const std::string& synced, const std::string& now, std::mt19937_64& random) {
  constexpr std::size_t kSector = 512;
  const bool grew = now.size() > synced.size();
  const std::size_t kept = grew ? random() % (now.size() - synced.size() + 1) : 0;
  std::string after = synced;
  for (std::size_t at = 0; at < std::min(synced.size(), now.size()); at += kSector) {
    const std::size_t size = std::min({kSector, synced.size() - at, now.size() - at});
    if (synced.compare(at, size, now, at, size) != 0 && random() % 2 == 0)
      after.replace(at, size, now, at, size);
  }
  if (grew) after.append(now, synced.size(), kept);
  if (now.size() < synced.size() && random() % 2 == 0) after.resize(now.size());
  return after;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

void SimulatedDisk::cut_power(std::uint64_t seed) {
  std::lock_guard lock(mutex_);
  ++life_;
  std::mt19937_64 folders(seed);
  Names after = folders() % 2 == 0 ? names_ : synced_names_;
  for (auto& [path, inode] : after) {
    // Of its own, so that the fate of one file does not hang on how many others there are.
    std::mt19937_64 random(seed ^ std::hash<std::string>()(path));
    const std::string octets = fate(inode->synced, inode->now, random);
    inode = std::make_shared<Inode>(octets, octets);
  }
  names_ = std::move(after);
  synced_names_ = names_;
}

void SimulatedDisk::kill_process() {
  std::lock_guard lock(mutex_);
  ++life_;
}

std::map<std::string, std::string> SimulatedDisk::files() const {
  std::lock_guard lock(mutex_);
  std::map<std::string, std::string> all;
  for (const auto& [path, inode] : names_) all[path] = inode->now;
  return all;
}

void SimulatedDisk::put(const std::string& path, const std::string& octets) {
  std::lock_guard lock(mutex_);
  names_[path] = synced_names_[path] = std::make_shared<Inode>(octets, octets);
}

std::optional<SimulatedDisk::Fault> SimulatedDisk::fault(DiskOperation operation, const std::string& path) {
  ++operations_;
  return plan_ ? plan_(operations_, operation, path) : std::nullopt;
}

std::uint64_t SimulatedDisk::used() const {
  std::uint64_t octets = 0;
  for (const auto& [path, inode] : names_) octets += inode->now.size();
  return octets;
}

Result<std::unique_ptr<LogFile>> SimulatedDisk::create(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (names_.contains(path)) return std::unexpected(Errc::kExists);
  if (const auto failed = fault(DiskOperation::kCreate, path)) return std::unexpected(failed->error);
  const auto inode = names_[path] = std::make_shared<Inode>();
  return std::make_unique<SimulatedFile>(*this, path, inode);
}

Result<std::unique_ptr<LogFile>> SimulatedDisk::open(const std::string& path) {
  std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  if (found == names_.end()) return std::unexpected(Errc::kAbsent);
  return std::make_unique<SimulatedFile>(*this, path, found->second);
}

Result<void> SimulatedDisk::remove(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (const auto failed = fault(DiskOperation::kRemove, path)) return std::unexpected(failed->error);
  if (names_.erase(path) == 0) return std::unexpected(Errc::kAbsent);
  return {};
}

Result<void> SimulatedDisk::rename(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  if (const auto failed = fault(DiskOperation::kRename, to)) return std::unexpected(failed->error);
  auto moved = names_.extract(from);
  if (!moved) return std::unexpected(Errc::kAbsent);
  names_[to] = std::move(moved.mapped());
  return {};
}

Result<void> SimulatedDisk::make_folder(const std::string&) { return {}; }

Result<void> SimulatedDisk::sync_folder(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (const auto failed = fault(DiskOperation::kSyncFolder, path)) return std::unexpected(failed->error);
  // The names in this folder and no others.
  std::erase_if(synced_names_, [&](const auto& entry) { return folder_of(entry.first) == path; });
  for (const auto& [file, inode] : names_) {
    if (folder_of(file) == path) synced_names_[file] = inode;
  }
  return {};
}

Result<std::vector<std::string>> SimulatedDisk::list(const std::string& path) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [file, inode] : names_) {
    if (folder_of(file) == path) names.push_back(file.substr(path.size() + 1));
  }
  return names;
}

Result<std::uint64_t> SimulatedDisk::free_bytes(const std::string&) const {
  std::lock_guard lock(mutex_);
  return capacity_ - std::min(capacity_, used());
}

}  // namespace idnode
