// A change as data: what was read, what is written. Decided by a worker, checked and ordered by the commit
// thread, replayed by anybody: no rule, clock or setting runs at replay.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"
#include "storage/store.h"

namespace idnode {

// The decision rests on `key` having been at `version`: the sequence in its image (a tombstone's too), 0 when
// there was no image.
struct Read {
  std::string key;
  std::uint64_t version = 0;
};

// Adds `amount` to a counter; refused when the sum would pass `ceiling` or fall below 0.
struct Delta {
  std::string counter;
  std::int64_t amount = 0;
  std::int64_t ceiling = 0;
};

struct Mutation {
  std::string id;      // 16 octets chosen by the submitter, unique: names the mutation in the audit trail
  std::string actor;   // "300:88.118/ADMIN", or "" for the node itself
  std::string source;  // "127.0.0.1", or "" for the node itself
  std::string action;  // "create", "delete", "home", ...: for the audit trail
  std::vector<Read> reads;
  std::vector<Delta> deltas;
  std::vector<Write> writes;
  std::string answer;  // kept with the log for callers that repeat a request by id; empty for most
  // Store::applied() as it was before the first of `reads` was made; 0: not known. Lets the commit thread
  // skip the look-up of what nobody has written since. Not part of the log's form.
  std::uint64_t as_of = 0;
};

// A mutation as it is read from the log's form: everything points into those octets.
struct ReadView {
  std::string_view key;
  std::uint64_t version = 0;
};
struct DeltaView {
  std::string_view counter;
  std::int64_t amount = 0;
  std::int64_t ceiling = 0;
};
struct MutationView {
  std::string_view id;
  std::string_view actor;
  std::string_view source;
  std::string_view action;
  std::vector<ReadView> reads;
  std::vector<DeltaView> deltas;
  std::vector<WriteView> writes;
  std::string_view answer;
};

// The log's form of a mutation (storage/log/FORMAT.md). encode appends.
void encode(const Mutation& mutation, std::string& out);
void encode(const MutationView& mutation, std::string& out);
Result<MutationView> decode_mutation(std::string_view octets);
// The same into `mutation`, whose lists keep their memory; after a failure it holds anything.
Result<void> decode_mutation(std::string_view octets, MutationView& mutation);

}  // namespace idnode
