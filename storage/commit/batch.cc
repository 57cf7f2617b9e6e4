#include "storage/commit/batch.h"

#include <stdexcept>
#include <utility>

#include "storage/keys.h"
#include "storage/record.h"

namespace idnode {
namespace {

// Records and homed prefixes: their images have a header that is stamped and versions that can be read.
bool has_versions(std::string_view key) {
  return !key.empty() &&
         (key[0] == static_cast<char>(Table::kRecords) || key[0] == static_cast<char>(Table::kHomed));
}

// A mutation that breaks these was made by broken code, not by a client.
void check_form(const Mutation& mutation) {
  for (const Read& read : mutation.reads) {
    if (!has_versions(read.key)) throw std::invalid_argument("a read of a key without versions");
  }
  for (const Write& write : mutation.writes) {
    if (!has_versions(write.key) || write.image.size() < kSmallestImage)
      throw std::invalid_argument("a write that is no image of a record");
  }
}

}  // namespace

void CommitBatch::add(const Mutation& mutation, CommitDone done) {
  check_form(mutation);
  const std::size_t at = octets.size();
  encode(mutation, octets);
  items.push_back({at, octets.size() - at, mutation.as_of, std::move(done), {}});
}

}  // namespace idnode
