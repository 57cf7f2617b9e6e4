// What the parts of one worker (its UDP sockets, its connections) share. Touched by the worker's thread
// alone, except where said.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "resolver/logic/services.h"
#include "resolver/net/clock.h"
#include "resolver/net/drive.h"
#include "resolver/net/limits_by_source.h"
#include "resolver/net/probe.h"
#include "resolver/net/reassembly.h"
#include "resolver/net/worker.h"

namespace idnode {

// Called on the worker, once an answer, before the record's views go away. Must not block.
using AccessSink = std::function<void(unsigned worker, const Source& source, const ExchangeRecord& record,
                                      const Timing& timing)>;

class Lane {
 public:
  Lane(unsigned index, unsigned workers, std::shared_ptr<const Services> services, const AccessSink& sink,
       Reassembly& reassembly);

  // Where a message comes from, with the rights that follow from its address.
  Source source_of(Transport transport, const Endpoint& peer, bool takes_administration) const;

  // A drive for an exchange; reused ones first.
  std::shared_ptr<Drive> take_drive();
  void give_back(std::shared_ptr<Drive> drive);
  // Settings or identity have changed: exchanges that start now see the new ones.
  void replace_services(std::shared_ptr<const Services> services);

  // Counts and reports one answer. `now` is of this turn: the wall clock is not read again for it.
  void answered(const Source& source, const ExchangeRecord& record, std::uint64_t started_us, Now now);
  // A TCP exchange of this source has been answered.
  void verify(const Address& peer, std::uint64_t now_ms);

  const Limits& limits() const { return services->settings->limits; }

  const unsigned index;
  const unsigned workers;
  std::shared_ptr<const Services> services;
  Probe probe;
  Outside outside;
  UdpAllowance allowance;
  Reassembly& reassembly;  // shared by all workers
  // Says to every worker that a source is verified until then; set before the worker starts.
  std::function<void(const Address& peer, std::uint64_t until_ms)> verify_everywhere;
  std::string scratch;  // 64 KiB to read into
  Worker worker;        // last: its loop goes first, with everything that waits in it

 private:
  const AccessSink& sink_;
  std::vector<std::shared_ptr<Drive>> drives_;
};

}  // namespace idnode
