#include "resolver/logic/context.h"

#include <cstring>

#include "protocol/crypto/random.h"
#include "protocol/identifier.h"
#include "storage/keys.h"

namespace idnode {
namespace {

// Up to so many records are looked through; walks through groups, which read more, get an index.
constexpr std::size_t kFewRecords = 16;

}  // namespace

void Context::write_key(std::string_view name) {
  key_.assign(1, static_cast<char>(Table::kRecords));
  append_storage_form(name, settings().node.case_sensitive, key_);
}

Lookup Context::record(std::string_view name) {
  write_key(name);
  return record_by_key(key_);
}

Lookup Context::readable_record(std::string_view name, Wanted wanted) {
  write_key(name);
  Resident* const resident = services_->resident;
  if (resident == nullptr) return record_by_key(key_);
  std::string& values = buffer();
  const Resident::Found found = resident->find(key_, values);
  if (found.kind == Resident::Kind::kAbsent) return {};
  if (found.kind == Resident::Kind::kValues && (found.whole || wanted == Wanted::kPublicValues)) {
    Lookup lookup{.found = Found::kYes, .record = {}, .all_public = true};
    lookup.record.count = found.count;
    lookup.record.values = values;
    return lookup;
  }
  if (found.kind != Resident::Kind::kMiss || find(key_) != nullptr) return record_by_key(key_);
  const FillTicket ticket = resident->ticket(key_);  // before the store is read
  Slot* const slot = add(key_);
  if (slot == nullptr) return {.found = Found::kFailed};
  slot->ticket = ticket;
  return look(*slot, Depth::kMemory);
}

Lookup Context::record_by_key(std::string_view key) {
  Slot* slot = find(key);
  if (slot == nullptr) {
    slot = add(key);
    if (slot == nullptr) return {.found = Found::kFailed};
    return look(*slot, Depth::kMemory);
  }
  return {.found = slot->found, .record = slot->view};
}

Lookup Context::look(Slot& slot, Depth depth) {
  slot.view = {};
  slot.version = 0;
  const Result<bool> got = services_->store->get(slot.key, slot.image, depth);
  if (!got) {
    slot.found = got.error() == Errc::kWouldBlock && depth == Depth::kMemory ? Found::kCold : Found::kFailed;
    if (slot.found == Found::kCold) ++cold_;
  } else if (!*got) {
    slot.found = Found::kNo;
  } else if (const Result<RecordView> view = parse_record(slot.image); view) {
    slot.view = *view;
    slot.version = view->sequence;
    slot.found = view->tombstone ? Found::kNo : Found::kYes;
  } else {
    slot.found = Found::kFailed;
  }
  if (slot.ticket && slot.found == Found::kYes)
    services_->resident->offer(*slot.ticket, slot.key, slot.image);
  return {.found = slot.found, .record = slot.view};
}

Context::Slot* Context::find(std::string_view key) {
  if (!index_.empty()) {
    const auto at = index_.find(key);
    return at == index_.end() ? nullptr : at->second;
  }
  for (std::size_t i = 0; i < used_; ++i) {
    if (slots_[i]->key == key) return slots_[i].get();
  }
  return nullptr;
}

Context::Slot* Context::add(std::string_view key) {
  if (used_ == kMostRecords) return nullptr;
  if (used_ == 0) as_of_ = services_->store->applied();
  if (used_ == slots_.size()) slots_.push_back(std::make_unique<Slot>());
  Slot* slot = slots_[used_++].get();
  slot->key.assign(key);
  slot->ticket.reset();
  if (used_ > kFewRecords) {
    for (std::size_t i = index_.size(); i < used_; ++i) index_.emplace(slots_[i]->key, slots_[i].get());
  }
  return slot;
}

void Context::append_reads(Mutation& mutation) {
  mutation.as_of = as_of_;
  for (std::size_t i = 0; i < used_; ++i) {
    if (slots_[i]->found == Found::kYes || slots_[i]->found == Found::kNo)
      mutation.reads.push_back({slots_[i]->key, slots_[i]->version});
  }
}

std::optional<ProofResult> Context::proof(ProofTask task) {
  if (checked_ && *checked_ == task) return result_;
  wanted_ = std::move(task);
  return std::nullopt;
}

std::optional<MacCheck> Context::session_mac() {
  if (!session.mac && !carrier->credential.present) session.mac = MacCheck::kMissing;
  wants_mac_ = !session.mac;
  return session.mac;
}

std::string& Context::buffer() {
  if (buffers_used_ == buffers_.size()) buffers_.push_back(std::make_unique<std::string>());
  std::string& each = *buffers_[buffers_used_++];
  each.clear();
  return each;
}

std::shared_ptr<const PrefixEntry> Context::route(std::string_view folded_prefix_handle) const {
  const auto found = routes_->prefixes.find(folded_prefix_handle);
  return found == routes_->prefixes.end() ? nullptr : found->second;
}

bool Context::random(char* to, std::size_t octets) {
  if (services_->random) return services_->random(to, octets);
  const Result<std::string> made = crypto::random_octets(octets);
  if (!made) return false;
  std::memcpy(to, made->data(), octets);
  return true;
}

std::string_view Context::seed() {
  constexpr std::size_t kSize = 16;
  if (seed_.empty()) {
    seed_.resize(kSize);
    if (!random(seed_.data(), kSize)) seed_.clear();
  }
  return seed_;
}

void Context::begin() {
  session = {};
  presented = nullptr;
  carrier = nullptr;
  wants_mac_ = false;
  seed_.clear();
  wanted_.reset();
  checked_.reset();
  forget_records();
}

void Context::forget_records() {
  index_.clear();
  used_ = 0;
  cold_ = 0;
  buffers_used_ = 0;
}

void Context::load_cold() {
  cold_ = 0;
  for (std::size_t i = 0; i < used_; ++i) {
    if (slots_[i]->found == Found::kCold) look(*slots_[i], Depth::kDisk);
  }
}

void Context::check_proof() {
  if (wants_mac_) session.mac = check_mac(*services_->sessions, *session.live, *carrier);
  held_ = !wants_mac_ || session.mac == MacCheck::kGood || session.mac == MacCheck::kRepeated;
  wants_mac_ = false;
  if (!wanted_) return;
  result_ = run_proof(*wanted_);
  held_ = held_ && result_.valid;
  checked_ = std::move(*wanted_);
  wanted_.reset();
}

void Context::next_round() { buffers_used_ = 0; }

}  // namespace idnode
