// Brings the store's records into the memory tier after the start, in the background, as far as there is
// room.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "storage/resident/resident.h"
#include "storage/store.h"

namespace idnode {

class ResidentLoader {
 public:
  // Both outlive it. Begins at once; what is committed meanwhile goes its own way into the tier.
  ResidentLoader(const Store& store, Resident& resident);
  // Gives up and closes the tier for fills; before the commit thread ends.
  ~ResidentLoader();
  ResidentLoader(const ResidentLoader&) = delete;
  ResidentLoader& operator=(const ResidentLoader&) = delete;

 private:
  void run();
  // False: no room, or a read failed: the tier will not be complete.
  bool load_all();
  bool load(const std::string& key);

  const Store& store_;
  Resident& resident_;
  std::atomic<bool> stop_{false};
  std::string image_;
  std::thread thread_;
};

}  // namespace idnode
