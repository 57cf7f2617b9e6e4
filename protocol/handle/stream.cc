#include "protocol/handle/stream.h"

namespace idnode::handle {
namespace {

// A list whose octets may not all have arrived: nothing is reserved for the count, so it need not be judged.
TextList read_record_values(Reader& r) {
  TextList list;
  list.count = r.u32();
  const std::size_t start = r.position();
  for (std::uint32_t i = 0; i < list.count && r.ok(); ++i) {
    Reader value(r.bytes());
    if (!r.ok()) break;
    read_value(value);
    if (!value.ok() || !value.at_end()) r.fail(Errc::kMalformed);
  }
  list.encoded = r.since(start);
  return list;
}

bool carries_values(Action action) { return action == Action::kCreate || action == Action::kUpdate; }

template <class T>
Result<T> done(const Reader& r, const T& value) {
  if (!r.ok()) return std::unexpected(r.error());
  return value;
}

void read_transaction(Reader& r, TransactionRecord& record) {
  record.id = r.u64();
  record.handle = r.bytes();
  const std::uint8_t action = r.u8();
  record.date_ms = r.u64();
  if (r.ok() && (action < 1 || action > 5)) r.fail(Errc::kMalformed);
  record.action = Action(action);
  if (carries_values(record.action)) record.values = read_record_values(r);
}

void write_list(TextList list, Writer& w) {
  w.u32(list.count);
  w.raw(list.encoded);
}

}  // namespace

Result<StreamStart> read_stream_start(Reader& reader) {
  StreamStart start;
  start.security = StreamSecurity(reader.u32());
  switch (start.security) {
    case StreamSecurity::kSigned: start.hash_name = reader.bytes(); break;
    case StreamSecurity::kUnsigned:
    case StreamSecurity::kTls: break;
    default: reader.fail(Errc::kUnsupported);
  }
  return done(reader, start);
}

void encode(const StreamStart& start, std::string& out) {
  Writer w(out);
  w.u32(static_cast<std::uint32_t>(start.security));
  if (start.security == StreamSecurity::kSigned) w.bytes(start.hash_name);
}

Result<TransactionsHead> read_transactions_head(Reader& reader) {
  TransactionsHead head;
  head.format = TransactionFormat(reader.u32());
  head.status = TransactionStatus(reader.u32());
  const bool known =
      (head.format == TransactionFormat::kOwn || head.format == TransactionFormat::kQueues) &&
      (head.status == TransactionStatus::kDumpAgain || head.status == TransactionStatus::kTransactionsFollow);
  if (!known) reader.fail(Errc::kUnsupported);
  return done(reader, head);
}

void encode(const TransactionsHead& head, std::string& out) {
  Writer w(out);
  w.u32(static_cast<std::uint32_t>(head.format));
  w.u32(static_cast<std::uint32_t>(head.status));
}

Result<TransactionRecord> read_transaction_record(Reader& reader) {
  TransactionRecord record;
  record.kind = TransactionRecord::Kind(reader.u8());
  switch (record.kind) {
    case TransactionRecord::Kind::kTransaction: read_transaction(reader, record); break;
    case TransactionRecord::Kind::kQueue: record.queue = reader.bytes(); break;
    case TransactionRecord::Kind::kQueueEnd:
    case TransactionRecord::Kind::kEnd: record.date_ms = reader.u64(); break;
    default: reader.fail(Errc::kMalformed);
  }
  return done(reader, record);
}

void encode(const TransactionRecord& record, std::string& out) {
  Writer w(out);
  w.u8(static_cast<std::uint8_t>(record.kind));
  switch (record.kind) {
    case TransactionRecord::Kind::kTransaction:
      w.u64(record.id);
      w.bytes(record.handle);
      w.u8(static_cast<std::uint8_t>(record.action));
      w.u64(record.date_ms);
      if (carries_values(record.action)) write_list(record.values, w);
      return;
    case TransactionRecord::Kind::kQueue: w.bytes(record.queue); return;
    case TransactionRecord::Kind::kQueueEnd:
    case TransactionRecord::Kind::kEnd: w.u64(record.date_ms); return;
  }
}

Result<std::uint32_t> read_dump_head(Reader& reader) {
  const std::uint32_t format = reader.u32();
  if (format != 1 && format != kDumpFormat) reader.fail(Errc::kUnsupported);
  return done(reader, format);
}

void encode_dump_head(std::string& out) { Writer(out).u32(kDumpFormat); }

Result<DumpRecord> read_dump_record(Reader& reader) {
  using Kind = DumpRecord::Kind;
  DumpRecord record;
  record.kind = Kind(reader.u8());
  switch (record.kind) {
    case Kind::kThisServer:
      record.date_ms = reader.u64();
      record.last_id = reader.u64();
      break;
    case Kind::kHandle:
      record.name = reader.bytes();
      record.values = read_record_values(reader);
      break;
    case Kind::kHomedPrefix: record.name = reader.bytes(); break;
    case Kind::kHandleDate:
    case Kind::kPrefixDate:
      record.name = reader.bytes();
      record.date_ms = reader.u64();
      record.priority = reader.u32();
      break;
    case Kind::kOtherSources: record.state = reader.bytes(); break;
    case Kind::kEnd: break;
    default: reader.fail(Errc::kMalformed);
  }
  return done(reader, record);
}

void encode(const DumpRecord& record, std::string& out) {
  using Kind = DumpRecord::Kind;
  Writer w(out);
  w.u8(static_cast<std::uint8_t>(record.kind));
  switch (record.kind) {
    case Kind::kThisServer:
      w.u64(record.date_ms);
      w.u64(record.last_id);
      return;
    case Kind::kHandle:
      w.bytes(record.name);
      write_list(record.values, w);
      return;
    case Kind::kHomedPrefix: w.bytes(record.name); return;
    case Kind::kHandleDate:
    case Kind::kPrefixDate:
      w.bytes(record.name);
      w.u64(record.date_ms);
      w.u32(record.priority);
      return;
    case Kind::kOtherSources: w.bytes(record.state); return;
    case Kind::kEnd: return;
  }
}

void encode_record_values(ValueList values, std::string& out) {
  Writer w(out);
  w.u32(values.count);
  ValueWalk walk(values);
  for (ValueView v; walk.next(v);) w.bytes(v.encoded);
}

}  // namespace idnode::handle
