// The table of vector kinds: which function checks a vector of that kind, and what may be cut off it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tests/protocol/vectors/loader.h"

namespace idnode::vectors {

// What one vector came to. The first difference sticks; a check reads straight down.
class Verdict {
 public:
  // Both must hold the same octets; the offset of the first that differs is reported.
  void equal(std::string_view what, std::string_view got, std::string_view want);
  void equal(std::string_view what, std::uint64_t got, std::uint64_t want);
  // `offset`: where in the vector's octets the trouble lies, 0 when it is not known better.
  void holds(std::string_view what, bool condition, std::size_t offset = 0);

  bool failed() const { return failed_; }
  std::size_t offset() const { return offset_; }
  const std::string& what() const { return what_; }
  // Number of comparisons made: a check that compared nothing is a failure of its own.
  std::size_t comparisons() const { return comparisons_; }

 private:
  void fail(std::string what, std::size_t offset);
  bool failed_ = false;
  std::size_t offset_ = 0;
  std::size_t comparisons_ = 0;
  std::string what_;
};

// Compares in both directions where the vector allows. An exception thrown out of it fails the vector.
using Check = void (*)(const Vector&, Verdict&);
// True when the decoder (or verifier) under test accepts `octets` as a whole structure of this kind.
using Accepts = bool (*)(const Vector&, std::string_view octets);
// Why a cut of the vector to `length` octets is legal; nullptr when it must be refused.
using LegalShort = const char* (*)(const Vector&, std::size_t length);

struct Row {
  std::string_view kind;
  Check check;
  Accepts accepts = nullptr;         // nullptr: a cut has no meaning (the octets are an output only)
  LegalShort legal_short = nullptr;  // nullptr: no cut is legal
};

// nullptr when the kind has no checker (a vector of it counts as skipped).
const Row* row_of(std::string_view kind);
// `malformed` and `transcript` have tests of their own and are not counted here.
bool counted(std::string_view kind);

// Each checker file gives its rows; the table in checks.cc lists them.
std::span<const Row> mac_rows();    // check_mac.cc: mac, signed, mac_primitive, digest
std::span<const Row> key_rows();    // check_key.cc: pubkey, privkey, privkey_file, seckey
std::span<const Row> proof_rows();  // check_proof.cc: challenge_answer
std::span<const Row>
session_rows();  // check_session.cc: session_key, session_key_envelope, encrypted, encrypted_frame
std::span<const Row> site_hash_rows();  // check_site_hash.cc: hash
std::span<const Row> message_rows();    // check_message.cc: envelope, request, response
std::span<const Row> data_rows();    // check_data.cc: value, admin, vlist, site, global_values, local_sites
std::span<const Row> name_rows();    // check_name.cc: case, type_match, utf8
std::span<const Row> udp_rows();     // check_udp.cc: udp
std::span<const Row> stream_rows();  // check_stream.cc: stream

}  // namespace idnode::vectors
