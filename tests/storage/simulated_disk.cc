#include "tests/storage/simulated_disk.h"

#include <algorithm>
#include <utility>

namespace idnode {

class SimulatedFile final : public LogFile {
 public:
  SimulatedFile(SimulatedDisk& disk, std::shared_ptr<SimulatedDisk::Inode> inode)
      : disk_(disk), inode_(std::move(inode)), life_(disk.life_) {}

  Result<void> write(std::uint64_t offset, std::string_view octets) override {
    std::lock_guard lock(disk_.mutex_);
    if (dead()) return std::unexpected(Errc::kIo);
    auto fault = disk_.fault(DiskOperation::kWrite);
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
    if (const auto fault = disk_.fault(DiskOperation::kTruncate)) return std::unexpected(fault->error);
    inode_->now.resize(size, '\0');
    return {};
  }

  Result<void> sync() override {
    std::lock_guard lock(disk_.mutex_);
    if (dead()) return std::unexpected(Errc::kIo);
    if (const auto fault = disk_.fault(DiskOperation::kSync)) return std::unexpected(fault->error);
    inode_->synced = inode_->now;
    return {};
  }

 private:
  bool dead() const { return life_ != disk_.life_; }

  SimulatedDisk& disk_;
  std::shared_ptr<SimulatedDisk::Inode> inode_;
  std::uint64_t life_;
};

void SimulatedDisk::plan(Plan plan) {
  std::lock_guard lock(mutex_);
  plan_ = std::move(plan);
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

std::optional<SimulatedDisk::Fault> SimulatedDisk::fault(DiskOperation operation) {
  ++operations_;
  return plan_ ? plan_(operations_, operation) : std::nullopt;
}

std::uint64_t SimulatedDisk::used() const {
  std::uint64_t octets = 0;
  for (const auto& [path, inode] : names_) octets += inode->now.size();
  return octets;
}

Result<std::unique_ptr<LogFile>> SimulatedDisk::create(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (names_.contains(path)) return std::unexpected(Errc::kExists);
  if (const auto failed = fault(DiskOperation::kCreate)) return std::unexpected(failed->error);
  const auto inode = names_[path] = std::make_shared<Inode>();
  return std::make_unique<SimulatedFile>(*this, inode);
}

Result<std::unique_ptr<LogFile>> SimulatedDisk::open(const std::string& path) {
  std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  if (found == names_.end()) return std::unexpected(Errc::kAbsent);
  return std::make_unique<SimulatedFile>(*this, found->second);
}

Result<void> SimulatedDisk::remove(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (const auto failed = fault(DiskOperation::kRemove)) return std::unexpected(failed->error);
  if (names_.erase(path) == 0) return std::unexpected(Errc::kAbsent);
  return {};
}

Result<void> SimulatedDisk::make_folder(const std::string&) { return {}; }

Result<void> SimulatedDisk::sync_folder(const std::string&) {
  std::lock_guard lock(mutex_);
  if (const auto failed = fault(DiskOperation::kSyncFolder)) return std::unexpected(failed->error);
  synced_names_ = names_;
  return {};
}

Result<std::vector<std::string>> SimulatedDisk::list(const std::string& path) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [file, inode] : names_) {
    if (file.starts_with(path + "/")) names.push_back(file.substr(path.size() + 1));
  }
  return names;
}

Result<std::uint64_t> SimulatedDisk::free_bytes(const std::string&) const {
  std::lock_guard lock(mutex_);
  return capacity_ - std::min(capacity_, used());
}

}  // namespace idnode
