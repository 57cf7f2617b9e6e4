#include "resolver/net/probe.h"

#include <algorithm>

namespace idnode {
namespace {

constexpr std::array<std::string_view, kBites> kBiteNames = {"connections",
                                                             "connections_pressure",
                                                             "connections_per_source",
                                                             "descriptors",
                                                             "message_bytes",
                                                             "first_message_seconds",
                                                             "message_seconds",
                                                             "idle_seconds",
                                                             "in_flight",
                                                             "output_bytes",
                                                             "output_stall_seconds",
                                                             "udp_unverified_ratio",
                                                             "udp_unverified_dropped",
                                                             "udp_reassembly_bytes",
                                                             "udp_reassembly_per_source",
                                                             "udp_reassembly_seconds",
                                                             "crypto_queue",
                                                             "proof_cpu_source_percent",
                                                             "proof_cpu_identity_percent",
                                                             "read_queue",
                                                             "udp_running",
                                                             "udp_send_buffer",
                                                             "udp_sent_answer_bytes"};

struct Operation {
  std::uint32_t code;
  std::string_view label;
};
constexpr std::array<Operation, kOperationRows> kOperations = {{{0, "other"},
                                                                {1, "resolve"},
                                                                {2, "site_info"},
                                                                {100, "create"},
                                                                {101, "delete"},
                                                                {102, "add"},
                                                                {103, "remove"},
                                                                {104, "modify"},
                                                                {105, "list"},
                                                                {106, "list_derived"},
                                                                {200, "answer"},
                                                                {201, "verify"},
                                                                {300, "home"},
                                                                {301, "unhome"},
                                                                {302, "list_homed"},
                                                                {400, "session_setup"},
                                                                {401, "session_terminate"},
                                                                {402, "session_key"},
                                                                {1000, "next_transaction"},
                                                                {1001, "transactions"},
                                                                {1002, "dump"},
                                                                {1003, "back_up"},
                                                                {2001, "login"},
                                                                {0xffff'ffff, "unused"}}};

constexpr std::uint32_t kOtherCode = 9'999;
constexpr std::array<std::uint32_t, kCodeRows> kCodes = {
    0,   1,   2,   3,   4,   5,   6,   7,   100, 101, 102, 200, 201, 202, 300, 301, 302, 303,
    400, 401, 402, 403, 404, 405, 406, 500, 501, 502, 503, 504, 505, 601, 603, 604, 605, kOtherCode};

constexpr std::size_t number(Transport transport) { return static_cast<std::size_t>(transport); }

}  // namespace

std::string_view limit_name(Bite bite) { return kBiteNames[static_cast<std::size_t>(bite)]; }

std::string_view transport_name(Transport transport) {
  constexpr std::array<std::string_view, kTransports> kNames = {"udp", "tcp", "http"};
  return kNames[number(transport)];
}

std::size_t operation_row(std::uint32_t opcode) {
  if (opcode <= 2) return opcode;
  const auto found = std::ranges::lower_bound(kOperations, opcode, {}, &Operation::code);
  return found != kOperations.end() && found->code == opcode && opcode != kOperations.back().code
             ? static_cast<std::size_t>(found - kOperations.begin())
             : 0;
}
std::size_t operation_rows() { return kOperationRows - 1; }
std::string_view operation_label(std::size_t row) { return kOperations[row].label; }

std::size_t code_row(std::uint32_t code) {
  if (code <= 7) return code;
  const auto found = std::ranges::lower_bound(kCodes, code);
  return found != kCodes.end() && *found == code ? static_cast<std::size_t>(found - kCodes.begin())
                                                 : kCodeRows - 1;
}
std::size_t code_rows() { return kCodeRows; }
std::uint32_t code_of_row(std::size_t row) { return kCodes[row]; }

std::uint64_t ProbeTotals::of(Transport transport, std::uint32_t opcode, std::uint32_t code) const {
  return answers[number(transport)][operation_row(opcode)][code_row(code)];
}

Probe::Probe() {
  for (auto& rows : rows_) rows = std::make_unique<Rows>();
}

void Probe::answered(Transport transport, const ExchangeRecord& record, std::uint64_t microseconds) {
  // A challenge answer counts as the operation that it let through.
  const std::size_t operation =
      operation_row(record.original_opcode != 0 ? record.original_opcode : record.opcode);
  Rows& rows = *rows_[number(transport)];
  rows.answers[operation][code_row(record.code)].add();
  const auto bound = std::ranges::lower_bound(kLatencyBounds, microseconds);
  Latency& latency = rows.latency[operation];
  latency.buckets[static_cast<std::size_t>(bound - kLatencyBounds.begin())].add();
  latency.sum_us.add(microseconds);
}

void Probe::add_to(ProbeTotals& totals) const {
  for (std::size_t t = 0; t < kTransports; ++t) {
    for (std::size_t o = 0; o < kOperationRows; ++o) {
      for (std::size_t c = 0; c < kCodeRows; ++c) totals.answers[t][o][c] += rows_[t]->answers[o][c].get();
      const Latency& from = rows_[t]->latency[o];
      LatencyTotals& to = totals.latency[t][o];
      for (std::size_t b = 0; b < from.buckets.size(); ++b) to.buckets[b] += from.buckets[b].get();
      to.sum_us += from.sum_us.get();
    }
    totals.octets_in[t] += octets_in[t].get();
    totals.octets_out[t] += octets_out[t].get();
  }
  for (std::size_t b = 0; b < kBites; ++b) totals.bites[b] += bites_[b].get();
  totals.connections += connections.get();
  totals.accepted += accepted.get();
  totals.datagrams_dropped += datagrams_dropped.get();
  totals.datagrams_repeated += datagrams_repeated.get();
}

}  // namespace idnode
