#include "resolver/net/lane.h"

namespace idnode {
namespace {

constexpr std::size_t kScratch = 65'536;
constexpr std::size_t kIdleDrives = 256;

}  // namespace

Lane::Lane(unsigned number, unsigned count, std::shared_ptr<const Services> initial, const AccessSink& sink,
           Reassembly& trains)
    : index(number),
      workers(count),
      services(std::move(initial)),
      allowance(count),
      reassembly(trains),
      scratch(kScratch, '\0'),
      worker(number),
      sink_(sink) {
  outside.mailbox = worker.mailbox();
  outside.probe = &probe;
}

Source Lane::source_of(Transport transport, const Endpoint& peer, bool takes_administration) const {
  const Settings& settings = *services->settings;
  return {.transport = transport,
          .peer = peer,
          .trusted = any_contains(settings.trusted, peer.address),
          .may_recurse = any_contains(settings.upstream.clients, peer.address),
          .takes_administration = takes_administration};
}

std::shared_ptr<Drive> Lane::take_drive() {
  if (drives_.empty()) return std::make_shared<Drive>(services, outside);
  auto drive = std::move(drives_.back());
  drives_.pop_back();
  return drive;
}

void Lane::give_back(std::shared_ptr<Drive> drive) {
  if (drive->services() == services && drives_.size() < kIdleDrives) drives_.push_back(std::move(drive));
}

void Lane::replace_services(std::shared_ptr<const Services> later) {
  services = std::move(later);
  drives_.clear();
}

void Lane::answered(const Source& source, const ExchangeRecord& record, std::uint64_t started_us, Now now) {
  const std::uint64_t ended_us = steady_us();
  const std::uint64_t took_us = ended_us - started_us;
  probe.answered(source.transport, record, took_us);
  if (!sink_) return;
  sink_(
      index, source, record,
      {.ended_ms = now.ms + (ended_us / 1'000 - now.steady_ms), .took = std::chrono::microseconds(took_us)});
}

void Lane::verify(const Address& peer, std::uint64_t now_ms) {
  // Told again only in the last half of the time, so that a busy connection costs the others nothing.
  const std::uint64_t life = limits().udp_verified_seconds * 1'000;
  if (allowance.verified(peer, now_ms + life / 2)) return;
  allowance.verify(peer, now_ms + life);
  verify_everywhere(peer, now_ms + life);
}

}  // namespace idnode
