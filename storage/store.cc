#include "storage/store.h"

namespace idnode {

std::vector<WriteView> views_of(std::span<const Write> writes) {
  std::vector<WriteView> views;
  views.reserve(writes.size());
  for (const Write& write : writes) views.push_back({write.key, write.image});
  return views;
}

}  // namespace idnode
