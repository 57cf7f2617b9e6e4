// A train of datagrams, each behind an int2 length; the first octet chooses the direction. A message that is
// put together must be cut into the same parts again.
#include <algorithm>
#include <map>

#include "protocol/bytes.h"
#include "protocol/handle/fragment.h"
#include "tests/fuzz/target.h"

using namespace idnode;

namespace {

void check_whole(const handle::Envelope& first, const std::string& message) {
  fuzz::must(message.size() == first.length && message.size() <= handle::kMaxMessage);
  std::string frame;
  encode(first, frame);
  frame += message;
  const std::uint32_t n = handle::fragments_of(first.length);
  handle::Assembly assembly(first);
  for (std::uint32_t i = n; i-- > 0;) {
    std::string datagram;
    handle::append_datagram(frame, i, first.truncated, datagram);
    const auto d = handle::classify_datagram(datagram, true);
    fuzz::must(d.arrival == handle::Arrival::kFragment && datagram.size() <= handle::kDatagram);
    fuzz::must(assembly.add(d.envelope, d.part) == (i == 0));
  }
  fuzz::must(assembly.take() == message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool is_request = (data[0] & 1) == 0;
  Reader train(fuzz::view(data, size).substr(1));
  std::map<std::uint32_t, handle::Assembly> open;
  std::size_t arrived = 0;
  while (train.ok() && !train.at_end()) {
    const std::string_view datagram = train.take(std::min<std::size_t>(train.u16(), train.left()));
    const auto d = handle::classify_datagram(datagram, is_request);
    if (d.arrival == handle::Arrival::kWhole) fuzz::must(d.part.size() == d.envelope.length);
    if (d.arrival == handle::Arrival::kMalformed) fuzz::must(is_request);
    if (d.arrival != handle::Arrival::kFragment) continue;
    arrived += d.part.size();
    const auto it = open.try_emplace(d.envelope.length, d.envelope).first;
    const bool whole = it->second.add(d.envelope, d.part);
    fuzz::must(it->second.held() <= arrived);
    if (!whole) continue;
    const handle::Envelope first = it->second.envelope();
    check_whole(first, it->second.take());
    open.erase(it);
  }
  return 0;
}
