// Every bound of the node in one table: name, default, floor, ceiling, metric label. Decoders and tables take
// limits as arguments; the settings of [limits], the manual and the tests come from the table here.
//
// 0 means "no limit" where the floor is 0. Octets are octets, times are in the unit that the name ends with.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace idnode {

struct Limits {
  std::uint64_t message_bytes = 262'144;
  std::uint64_t values = 2'048;
  std::uint64_t name_bytes = 2'048;

  std::uint64_t connections = 10'000;
  std::uint64_t connections_per_source = 256;
  std::uint64_t first_message_seconds = 10;
  std::uint64_t message_seconds = 10;
  std::uint64_t idle_seconds = 600;
  std::uint64_t in_flight = 64;             // per connection
  std::uint64_t output_bytes = 1'048'576;   // per connection, then reading stops
  std::uint64_t output_stall_seconds = 30;  // a client that reads nothing for so long is cut

  std::uint64_t udp_unverified_ratio = 3;
  std::uint64_t udp_unverified_bytes = 65'536;  // a second, per /24 or /56, on top of the ratio
  std::uint64_t udp_verified_seconds = 3'600;
  std::uint64_t udp_reassembly_bytes = 8'388'608;
  std::uint64_t udp_reassembly_per_source = 16;
  std::uint64_t udp_reassembly_seconds = 5;
  std::uint64_t udp_sent_answer_bytes = 1'048'576;  // per socket of a worker

  std::uint64_t challenge_bytes = 67'108'864;
  std::uint64_t challenges_per_source = 64;
  std::uint64_t challenge_bytes_per_source = 1'048'576;
  std::uint64_t challenge_seconds = 20;
  std::uint64_t pbkdf2_iterations = 20'000;
  std::uint64_t proof_cpu_source_percent = 25;
  std::uint64_t proof_cpu_identity_percent = 50;
  std::uint64_t session_seconds = 86'400;
  std::uint64_t sessions = 16'384;
  std::uint64_t sessions_per_source = 512;

  std::uint64_t recursion = 10;
  std::uint64_t upstream_deadline_ms = 5'000;
  std::uint64_t upstream_try_ms = 2'000;
  std::uint64_t upstream_in_flight = 256;
  std::uint64_t upstream_in_flight_per_source = 64;
  std::uint64_t upstream_failures = 5;         // within 10 s: the breaker opens
  std::uint64_t upstream_failure_seconds = 5;  // how long a failure is remembered at most
  std::uint64_t cache_ttl_seconds = 3'600;
  std::uint64_t cache_negative_seconds = 30;
  std::uint64_t cache_stale_seconds = 0;
  std::uint64_t cache_stale_after_ms = 1'800;

  std::uint64_t http_header_bytes = 8'192;
  std::uint64_t http_body_bytes = 1'048'576;
  std::uint64_t http_batch_bytes = 16'777'216;
  std::uint64_t json_depth = 32;

  std::uint64_t queue_bytes = 67'108'864;
  std::uint64_t queue_mutations = 100'000;
  std::uint64_t free_space_mb = 1'024;  // or 5 % of the disk where that is less

  std::uint64_t allow_md5 = 0;  // 1: MD5 digests are accepted in proofs

  bool operator==(const Limits&) const = default;
};

// One row a limit. `name` is the setting's and the value of the label `limit` of idnode_limit_refused_total.
struct LimitRow {
  std::string_view name;
  std::uint64_t Limits::* member;
  std::uint64_t floor;
  std::uint64_t ceiling;
  std::string_view help;
};

inline constexpr std::uint64_t kNoCeiling = std::uint64_t{1} << 40;

inline constexpr std::array kLimitRows = {
    LimitRow{"message_bytes", &Limits::message_bytes, 1'024, 262'144, "octets of one message"},
    LimitRow{"values", &Limits::values, 1, 2'048, "values in one record or request"},
    LimitRow{"name_bytes", &Limits::name_bytes, 64, 2'048, "octets of one name"},
    LimitRow{"connections", &Limits::connections, 1, 1'000'000, "open connections in all"},
    LimitRow{"connections_per_source", &Limits::connections_per_source, 0, 1'000'000,
             "open connections of one address or IPv6 /64"},
    LimitRow{"first_message_seconds", &Limits::first_message_seconds, 1, 3'600,
             "until the first message of a connection is whole"},
    LimitRow{"message_seconds", &Limits::message_seconds, 1, 3'600, "until a message that began is whole"},
    LimitRow{"idle_seconds", &Limits::idle_seconds, 1, 86'400, "until a silent connection is closed"},
    LimitRow{"in_flight", &Limits::in_flight, 1, 65'536, "unanswered requests of one connection"},
    LimitRow{"output_bytes", &Limits::output_bytes, 4'096, kNoCeiling,
             "unsent octets of one connection; above it reading stops"},
    LimitRow{"output_stall_seconds", &Limits::output_stall_seconds, 1, 3'600,
             "until a client that reads nothing is cut"},
    LimitRow{"udp_unverified_ratio", &Limits::udp_unverified_ratio, 0, 1'000,
             "octets out per octet in, to sources that are not verified"},
    LimitRow{"udp_unverified_bytes", &Limits::udp_unverified_bytes, 0, kNoCeiling,
             "octets a second on top of the ratio, per /24 or /56"},
    LimitRow{"udp_verified_seconds", &Limits::udp_verified_seconds, 1, 86'400,
             "how long a TCP exchange verifies a source"},
    LimitRow{"udp_reassembly_bytes", &Limits::udp_reassembly_bytes, 4'096, kNoCeiling,
             "octets of incomplete datagram trains"},
    LimitRow{"udp_reassembly_per_source", &Limits::udp_reassembly_per_source, 1, 65'536,
             "incomplete datagram trains of one source"},
    LimitRow{"udp_reassembly_seconds", &Limits::udp_reassembly_seconds, 1, 60,
             "until an incomplete datagram train is dropped"},
    LimitRow{"udp_sent_answer_bytes", &Limits::udp_sent_answer_bytes, 4'096, kNoCeiling,
             "octets of answers that one UDP socket of a worker sends again to who repeats; the oldest go"},
    LimitRow{"challenge_bytes", &Limits::challenge_bytes, 65'536, kNoCeiling, "octets of open challenges"},
    LimitRow{"challenges_per_source", &Limits::challenges_per_source, 1, 1'000'000,
             "open challenges of one /24 or /56"},
    LimitRow{"challenge_bytes_per_source", &Limits::challenge_bytes_per_source, 4'096, kNoCeiling,
             "octets of open challenges of one /24 or /56"},
    LimitRow{"challenge_seconds", &Limits::challenge_seconds, 1, 600, "until a challenge expires"},
    LimitRow{"pbkdf2_iterations", &Limits::pbkdf2_iterations, 1, 10'000'000, "of a secret-key proof"},
    LimitRow{"proof_cpu_source_percent", &Limits::proof_cpu_source_percent, 0, 100,
             "of one core, for the proofs of one source"},
    LimitRow{"proof_cpu_identity_percent", &Limits::proof_cpu_identity_percent, 0, 100,
             "of one core, for the proofs of one identity"},
    LimitRow{"session_seconds", &Limits::session_seconds, 60, 86'400, "idle time of a session"},
    LimitRow{"sessions", &Limits::sessions, 1, 1'000'000, "sessions in all"},
    LimitRow{"sessions_per_source", &Limits::sessions_per_source, 0, 1'000'000, "sessions of one /24 or /56"},
    LimitRow{"recursion", &Limits::recursion, 1, 127, "hops of a forwarded request"},
    LimitRow{"upstream_deadline_ms", &Limits::upstream_deadline_ms, 100, 60'000,
             "for the answer of others, all tries together"},
    LimitRow{"upstream_try_ms", &Limits::upstream_try_ms, 50, 60'000, "for one try"},
    LimitRow{"upstream_in_flight", &Limits::upstream_in_flight, 1, 65'536, "open questions to others"},
    LimitRow{"upstream_in_flight_per_source", &Limits::upstream_in_flight_per_source, 0, 65'536,
             "open questions to others that one address or IPv6 /64 began"},
    LimitRow{"upstream_failures", &Limits::upstream_failures, 1, 1'000,
             "within 10 s, until the breaker opens"},
    LimitRow{"upstream_failure_seconds", &Limits::upstream_failure_seconds, 0, 300,
             "how long a failure of others is remembered at most; the first for 1 s; 0: not at all"},
    LimitRow{"cache_ttl_seconds", &Limits::cache_ttl_seconds, 0, 172'800, "cap of an answer's ttl"},
    LimitRow{"cache_negative_seconds", &Limits::cache_negative_seconds, 0, 86'400,
             "how long a not-found is kept"},
    LimitRow{"cache_stale_seconds", &Limits::cache_stale_seconds, 0, 172'800,
             "how long an expired answer may be given when upstream fails"},
    LimitRow{"cache_stale_after_ms", &Limits::cache_stale_after_ms, 50, 60'000,
             "until an expired answer is given while upstream still owes one"},
    LimitRow{"http_header_bytes", &Limits::http_header_bytes, 1'024, 1'048'576, "of one HTTP request"},
    LimitRow{"http_body_bytes", &Limits::http_body_bytes, 1'024, kNoCeiling, "of one HTTP request"},
    LimitRow{"http_batch_bytes", &Limits::http_batch_bytes, 1'024, kNoCeiling, "of one authenticated batch"},
    LimitRow{"json_depth", &Limits::json_depth, 4, 128, "nesting of one JSON document"},
    LimitRow{"queue_bytes", &Limits::queue_bytes, 1'048'576, kNoCeiling, "octets of queued changes"},
    LimitRow{"queue_mutations", &Limits::queue_mutations, 100, kNoCeiling, "queued changes"},
    LimitRow{"free_space_mb", &Limits::free_space_mb, 0, kNoCeiling,
             "free disk below which changes are refused"},
    LimitRow{"allow_md5", &Limits::allow_md5, 0, 1, "1: accept MD5 digests in proofs"},
};

}  // namespace idnode
