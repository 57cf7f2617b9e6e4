// `idload resolve` and `idload dns`.
#include <fmt/core.h>

#include "bench/load/run.h"
#include "protocol/handle/fragment.h"

namespace idnode::load {
namespace {

double micros(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1'000; }

constexpr const char* kText =
    "requests_per_s={:.0f} sent={} answered={} wrong={} lost={} stray={} p50_us={:.1f} p99_us={:.1f} "
    "p999_us={:.1f} "
    "max_us={:.1f} seconds={:.3f} cpu_s={:.3f} watched_cpu_s={:.4f} foreign_cpu_s={:.3f}\n";
constexpr const char* kJson =
    "{{\"requests_per_s\":{:.0f},\"sent\":{},\"answered\":{},\"wrong\":{},\"lost\":{},\"stray\":{},\"p50_"
    "us\":{:.1f},"
    "\"p99_us\":{:.1f},\"p999_us\":{:.1f},\"max_us\":{:.1f},\"seconds\":{:.3f},\"cpu_s\":{:.3f},"
    "\"watched_cpu_s\":{:.4f},\"foreign_cpu_s\":{:.3f}}}\n";

void print(const Measured& m, bool json) {
  const Histogram& h = m.tally.latency;
  fmt::print(fmt::runtime(json ? kJson : kText), static_cast<double>(m.within) / m.seconds, m.tally.sent,
             m.tally.answered, m.tally.wrong, m.tally.lost, m.tally.stray, micros(h.quantile(0.5)),
             micros(h.quantile(0.99)), micros(h.quantile(0.999)), micros(h.max()), m.seconds, m.cpu.own,
             m.cpu.watched, m.cpu.foreign);
}

}  // namespace

int run(const ResolveOptions& options) {
  const Names names(options.names);
  const Questions questions(names, options.dns ? Payload::kDns : Payload::kHandle);
  if (options.udp) {
    for (std::uint32_t i = 0; i < questions.count(); ++i)
      if (questions[i].frame.size() > handle::kDatagram)
        throw Stop{kUsage, names[i] + ": does not fit into one datagram"};
  }
  const Measured measured = measure(options, questions);
  print(measured, options.json);
  const Tally& tally = measured.tally;
  // Over UDP an answer may come late; on a connection every answer belongs to something.
  const bool strayed = !options.udp && tally.stray > 0;
  const bool right = tally.answered > 0 && tally.wrong == 0 && !strayed && !measured.connection_lost;
  return right ? kRight : kWrong;
}

}  // namespace idnode::load
