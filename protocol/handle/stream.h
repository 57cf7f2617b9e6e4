// What follows the answers of opcodes 1001 and 1002 on the connection (WIRE.md §24).
//
// A stream is: start | head | records. In a signed stream a signature (bytes) over the octets of a block
// follows the head and every record but the last of a dump. Readers take one block at the reader's position;
// kTruncated means that the rest has not arrived yet, everything else is final. Views point into the octets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/bytes.h"
#include "protocol/handle/request.h"
#include "protocol/result.h"

namespace idnode::handle {

enum class StreamSecurity : std::uint32_t { kSigned = 0, kUnsigned = 0xffff'ffff, kTls = 0x544c'5300 };
struct StreamStart {
  StreamSecurity security = StreamSecurity::kUnsigned;
  std::string_view hash_name;  // signed: "SHA1"
  bool operator==(const StreamStart&) const = default;
};
// kUnsupported: another first word.
Result<StreamStart> read_stream_start(Reader& reader);
void encode(const StreamStart& start, std::string& out);

enum class TransactionStatus : std::uint32_t { kDumpAgain = 1, kTransactionsFollow = 2 };
enum class TransactionFormat : std::uint32_t { kOwn = 1, kQueues = 2 };
struct TransactionsHead {
  TransactionFormat format = TransactionFormat::kOwn;
  TransactionStatus status = TransactionStatus::kTransactionsFollow;
  bool operator==(const TransactionsHead&) const = default;
};
// kUnsupported: another format or status.
Result<TransactionsHead> read_transactions_head(Reader& reader);
void encode(const TransactionsHead& head, std::string& out);

enum class Action : std::uint8_t { kCreate = 1, kDelete = 2, kUpdate = 3, kHome = 4, kUnhome = 5 };
struct TransactionRecord {
  enum class Kind : std::uint8_t { kEnd = 0, kTransaction = 1, kQueue = 2, kQueueEnd = 3 };
  Kind kind = Kind::kEnd;
  std::uint64_t id = 0;
  std::string_view handle;  // of a transaction
  std::string_view queue;   // name of a queue
  Action action = Action::kCreate;
  std::uint64_t date_ms = 0;  // of a transaction, an end, a queue's end
  TextList values;            // create, update: each one encoded value, checked
  bool operator==(const TransactionRecord&) const = default;
};
// kMalformed: an unknown record or action, or octets that are no value.
Result<TransactionRecord> read_transaction_record(Reader& reader);
void encode(const TransactionRecord& record, std::string& out);

inline constexpr std::uint32_t kDumpFormat = 2;
// The head of a dump is its format alone; 1 (whose only other difference is that it ends with the record
// kThisServer) and 2 are read.
Result<std::uint32_t> read_dump_head(Reader& reader);
void encode_dump_head(std::string& out);

struct DumpRecord {
  enum class Kind : std::uint8_t {
    kThisServer = 0,
    kHandle = 1,
    kHomedPrefix = 2,
    kHandleDate = 3,
    kPrefixDate = 4,
    kOtherSources = 5,
    kEnd = 0xff,  // never signed
  };
  Kind kind = Kind::kEnd;
  std::string_view name;       // handle or prefix handle
  std::uint64_t date_ms = 0;   // this server, dates
  std::uint64_t last_id = 0;   // this server
  std::uint32_t priority = 0;  // dates
  TextList values;             // handle: each one encoded value, checked
  std::string_view state;      // other sources
  bool operator==(const DumpRecord&) const = default;
};
// kMalformed: an unknown record, or octets that are no value.
Result<DumpRecord> read_dump_record(Reader& reader);
void encode(const DumpRecord& record, std::string& out);

// Appends a value list as records carry it: count, then each encoded value as bytes.
void encode_record_values(ValueList values, std::string& out);

}  // namespace idnode::handle
