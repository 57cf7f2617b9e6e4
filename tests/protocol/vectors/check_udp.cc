// udp: the datagrams of a message, made and put together.
#include <algorithm>
#include <optional>

#include "protocol/handle/fragment.h"
#include "tests/protocol/vectors/build.h"
#include "tests/protocol/vectors/checks.h"

namespace idnode::vectors {

namespace {

std::vector<std::string> datagrams(const Vector& v) {
  std::vector<std::string> out;
  for (const Json& each : list(v.fields, "packets")) out.push_back(octets(each));
  return out;
}

bool is_request(const Vector& v) { return text(v.fields, "direction") == "client_to_server"; }

void check_cutting(const Vector& v, const std::vector<std::string>& want, Verdict& verdict) {
  const std::string frame = octets(v.fields, "single_frame");
  verdict.equal("the frame holds the message", frame.substr(handle::kEnvelopeSize), v.octets);
  const std::uint32_t n = handle::fragments_of(static_cast<std::uint32_t>(v.octets.size()));
  verdict.equal("datagrams", n, number(v.fields, "packet_count"));
  std::string out;
  for (std::uint32_t i = 0; i < n && i < want.size(); ++i) {
    const std::size_t start = out.size();
    handle::append_datagram(frame, i, is_request(v), out);
    verdict.equal("datagram", std::string_view(out).substr(start), want[i]);
  }
}

// The message that comes out of the datagrams in this order; empty when it does not come out.
std::string assemble(const std::vector<std::string>& in_order, bool request) {
  std::optional<handle::Assembly> assembly;
  for (const std::string& each : in_order) {
    const handle::Datagram d = handle::classify_datagram(each, request);
    if (d.arrival == handle::Arrival::kWhole) return std::string(d.part);
    if (d.arrival != handle::Arrival::kFragment) return {};
    if (!assembly) assembly.emplace(d.envelope);
    if (assembly->add(d.envelope, d.part)) return assembly->take();
  }
  return {};
}

void check_udp(const Vector& v, Verdict& verdict) {
  std::vector<std::string> packets = datagrams(v);
  check_cutting(v, packets, verdict);
  const bool request = is_request(v);
  verdict.equal("in order", assemble(packets, request), v.octets);
  std::vector<std::string> missing(packets.begin(), packets.end() - 1);
  verdict.equal("without the last", assemble(missing, request), "");
  std::ranges::reverse(packets);
  verdict.equal("in reverse", assemble(packets, request), v.octets);
  std::vector<std::string> twice;
  for (const std::string& each : packets) twice.insert(twice.end(), 2, each);
  verdict.equal("each twice", assemble(twice, request), v.octets);
  std::ranges::rotate(packets, packets.begin() + static_cast<std::ptrdiff_t>(packets.size() / 2));
  verdict.equal("from the middle", assemble(packets, request), v.octets);

  const auto envelope = handle::decode_envelope(octets(v.fields, "single_frame"));
  verdict.holds("the whole decodes",
                envelope && (request ? handle::decode_request(*envelope, v.octets, {}).has_value()
                                     : handle::decode_response(*envelope, v.octets).has_value()));
}

bool accepts_udp(const Vector& v, std::string_view cut) {
  const handle::Envelope envelope;  // all of these are of version 2.11
  return is_request(v) ? handle::decode_request(envelope, cut, {}).has_value()
                       : handle::decode_response(envelope, cut).has_value();
}

const char* legal_short_udp(const Vector& v, std::size_t length) {
  return length + 4 >= v.octets.size() ? "fewer than four octets behind the body: no credential (WIRE.md §14)"
                                       : nullptr;
}

}  // namespace

std::span<const Row> udp_rows() {
  static constexpr Row kRows[] = {{"udp", check_udp, accepts_udp, legal_short_udp}};
  return kRows;
}

}  // namespace idnode::vectors
