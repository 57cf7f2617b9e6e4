// stream: what follows the answers of opcodes 1001 and 1002.
#include <stdexcept>

#include "protocol/crypto/sign.h"
#include "protocol/handle/stream.h"
#include "tests/protocol/vectors/build.h"
#include "tests/protocol/vectors/checks.h"

namespace idnode::vectors {

namespace {

using handle::DumpRecord;
using handle::StreamSecurity;
using handle::TransactionRecord;

handle::TextList record_values(const Object& o, Kept& kept) {
  if (!has(o, "values")) return {};
  std::string encoded;
  Writer w(encoded);
  for (const Json& each : list(o, "values")) w.bytes(octets(each));
  return {static_cast<std::uint32_t>(list(o, "values").size()), kept(encoded)};
}

TransactionRecord build_transaction_record(const Object& o, Kept& kept) {
  TransactionRecord r;
  r.kind = TransactionRecord::Kind(number(o, "record_type"));
  if (r.kind == TransactionRecord::Kind::kEnd) {
    r.date_ms = number(o, "source_date");
    return r;
  }
  if (r.kind != TransactionRecord::Kind::kTransaction)
    throw std::runtime_error("a record, which this checker does not compare");
  r.id = number(o, "txn_id");
  r.handle = kept(text(o, "handle"));
  r.action = handle::Action(number(o, "action"));
  r.date_ms = number(o, "date");
  r.values = record_values(o, kept);
  return r;
}

DumpRecord build_dump_record(const Object& o, Kept& kept) {
  DumpRecord r;
  r.kind = DumpRecord::Kind(number(o, "record_type"));
  if (has(o, "handle")) r.name = kept(text(o, "handle"));
  if (has(o, "prefix")) r.name = kept(text(o, "prefix"));
  if (has(o, "date")) r.date_ms = number(o, "date");
  if (has(o, "txn_id")) r.last_id = number(o, "txn_id");
  r.values = record_values(o, kept);
  return r;
}

// Reads one block after the other beside the records of the vector, and writes them all again.
class StreamCheck {
 public:
  StreamCheck(const Vector& v, Verdict& verdict)
      : reader_(v.octets),
        transactions_(number(v.fields, "follows_response_of_op_code") == 1001),
        verdict_(verdict) {
    if (!has(v.fields, "public_key")) return;
    auto key = crypto::PublicKey::parse(octets(v.fields, "public_key"));
    if (!key) throw std::runtime_error("public_key cannot be read");
    key_.emplace(std::move(*key));
  }

  void record(const Object& o) {
    const std::size_t start = reader_.position();
    const std::size_t written = encoded.size();
    const std::string kind = text(o, "record");
    if (kind == "stream_header")
      stream_start(o);
    else if (kind == "data_header")
      head(o);
    else if (transactions_)
      compare(handle::read_transaction_record(reader_), build_transaction_record(o, kept_));
    else
      compare(handle::read_dump_record(reader_), build_dump_record(o, kept_));
    verdict_.equal("block", std::string_view(encoded).substr(written), reader_.since(start));
    if (has(o, "block_signature")) signature(o, reader_.since(start));
  }

  bool at_end() const { return reader_.ok() && reader_.at_end(); }

  std::string encoded;

 private:
  template <class T>
  void compare(const Result<T>& got, const T& want) {
    verdict_.holds("record", got == want, reader_.position());
    encode(want, encoded);
  }

  void stream_start(const Object& o) {
    handle::StreamStart want{StreamSecurity(number(o, "stream_type")), {}};
    if (has(o, "hash_name")) want.hash_name = kept_(text(o, "hash_name"));
    compare(handle::read_stream_start(reader_), want);
  }

  void head(const Object& o) {
    if (transactions_) {
      compare(handle::read_transactions_head(reader_),
              {handle::TransactionFormat(number(o, "data_format_version")),
               handle::TransactionStatus(number(o, "status"))});
      return;
    }
    verdict_.holds("head", handle::read_dump_head(reader_) == number(o, "data_format_version"),
                   reader_.position());
    handle::encode_dump_head(encoded);
  }

  void signature(const Object& o, std::string_view block) {
    const std::string_view got = reader_.bytes();
    verdict_.equal("signature", got, octets(o, "block_signature"));
    verdict_.holds("it verifies", key_ && crypto::verify(*key_, crypto::Digest::kSha1, block, got));
    Writer(encoded).bytes(got);
  }

  Reader reader_;
  bool transactions_;
  Verdict& verdict_;
  std::optional<crypto::PublicKey> key_;
  Kept kept_;
};

void check_stream(const Vector& v, Verdict& verdict) {
  StreamCheck check(v, verdict);
  for (const Json& each : list(v.fields, "records")) check.record(each.as_object());
  verdict.holds("all was read", check.at_end());
  verdict.equal("encoded", check.encoded, v.octets);
}

bool read_records(Reader& r, bool transactions, bool is_signed) {
  for (bool last = false; !last && r.ok();) {
    bool signed_record = is_signed;
    if (transactions) {
      const auto record = handle::read_transaction_record(r);
      last = record && record->kind == TransactionRecord::Kind::kEnd;
    } else {
      const auto record = handle::read_dump_record(r);
      last = record && record->kind == DumpRecord::Kind::kEnd;
      signed_record = is_signed && !last;
    }
    if (signed_record) r.bytes();
  }
  return r.ok() && r.at_end();
}

bool accepts_stream(const Vector& v, std::string_view octets) {
  const bool transactions = number(v.fields, "follows_response_of_op_code") == 1001;
  Reader r(octets);
  const auto start = handle::read_stream_start(r);
  if (!start) return false;
  if (transactions ? !handle::read_transactions_head(r) : !handle::read_dump_head(r)) return false;
  const bool is_signed = start->security == StreamSecurity::kSigned;
  if (is_signed) r.bytes();
  return read_records(r, transactions, is_signed);
}

}  // namespace

std::span<const Row> stream_rows() {
  static constexpr Row kRows[] = {{"stream", check_stream, accepts_stream}};
  return kRows;
}

}  // namespace idnode::vectors
