#include "resolver/logic/foresight.h"

#include <utility>

#include "protocol/bytes.h"
#include "protocol/handle/codes.h"
#include "protocol/handle/header.h"
#include "protocol/identifier.h"
#include "storage/keys.h"

namespace idnode {
namespace {

// Of a resolution; empty for all others and for what cannot be read.
std::string_view name_of(std::string_view message) {
  if (message.size() < handle::kHeaderSize) return {};
  if (Reader(message).u32() != static_cast<std::uint32_t>(handle::OpCode::kResolve)) return {};
  return Reader(message.substr(handle::kHeaderSize)).bytes();
}

}  // namespace

void Foresight::fetch(const Services& services) {
  const std::size_t count = std::exchange(count_, 0);
  if (count < 2 || services.resident == nullptr) return;
  std::array<std::uint64_t, kMost> foreseen;
  std::size_t names = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name = name_of(messages_[i]);
    if (name.empty() || name.size() > services.settings->limits.name_bytes) continue;
    key_.assign(1, static_cast<char>(Table::kRecords));
    append_storage_form(name, services.settings->node.case_sensitive, key_);
    foreseen[names++] = services.resident->foresee(key_);
  }
  for (std::size_t i = 0; i < names; ++i) services.resident->fetch(foreseen[i]);
}

}  // namespace idnode
