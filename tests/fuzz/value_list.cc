// A counted list of values.
#include "protocol/value.h"
#include "tests/fuzz/target.h"

using namespace idnode;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Reader reader(fuzz::view(data, size));
  const ValueList list = read_values(reader, 2'048);
  if (!reader.ok()) return 0;
  const std::vector<Value> values = to_values(list);
  fuzz::must(values.size() == list.count);
  ValueWalk walk(list);
  std::size_t octets = 0;
  for (ValueView v; walk.next(v); octets += v.encoded.size()) fuzz::must(same_but_timestamp(v, v));
  fuzz::must(octets == list.encoded.size());
  std::string out;
  Writer(out).u32(list.count);
  encode_all(values, out);
  Reader again(out);
  const ValueList written = read_values(again, 2'048);
  fuzz::must(again.ok() && again.at_end() && to_values(written) == values);
  return 0;
}
