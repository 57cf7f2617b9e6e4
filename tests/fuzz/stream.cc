// Replication streams, from start to last record; the first octet chooses the operation. Every block that is
// read must be written back octet by octet, and no prefix of the octets may be read as more than they hold.
#include "protocol/handle/stream.h"
#include "tests/fuzz/target.h"

using namespace idnode;

namespace {

template <class T>
bool same_octets(const Reader& reader, std::size_t start, const Result<T>& read) {
  if (!read) return false;
  std::string out;
  encode(*read, out);
  fuzz::must(out == reader.since(start));
  return true;
}

void transactions(Reader& r, bool is_signed) {
  std::size_t start = r.position();
  if (!same_octets(r, start, handle::read_transactions_head(r))) return;
  for (bool last = false; !last;) {
    if (is_signed) r.bytes();
    start = r.position();
    const auto record = handle::read_transaction_record(r);
    if (!same_octets(r, start, record)) return;
    last = record->kind == handle::TransactionRecord::Kind::kEnd;
  }
}

void dump(Reader& r, bool is_signed) {
  if (!handle::read_dump_head(r)) return;
  for (bool last = false; !last;) {
    if (is_signed) r.bytes();
    const std::size_t start = r.position();
    const auto record = handle::read_dump_record(r);
    if (!same_octets(r, start, record)) return;
    last = record->kind == handle::DumpRecord::Kind::kEnd;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Reader r(fuzz::view(data, size).substr(1));
  const auto start = handle::read_stream_start(r);
  if (!same_octets(r, 0, start)) return 0;
  const bool is_signed = start->security == handle::StreamSecurity::kSigned;
  if ((data[0] & 1) == 0)
    transactions(r, is_signed);
  else
    dump(r, is_signed);
  return 0;
}
