#include "storage/log/archive.h"

#include "storage/log/segment.h"

namespace idnode {

Opened<std::vector<std::string>> archivable(const std::string& folder, std::uint64_t flushed,
                                            LogFiles& files) {
  const auto names = files.list(folder);
  if (!names)
    return open_error(names.error(), folder + ": cannot be read; check the disk and the permissions");
  std::vector<std::string> done;
  std::string before;
  for (const std::string& found : *names) {
    const auto first = segment_first(found);
    if (!first) continue;
    if (*first > flushed + 1) break;
    if (!before.empty()) done.push_back(before);
    before = found;
  }
  return done;
}

}  // namespace idnode
