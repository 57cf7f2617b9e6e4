// value, admin, vlist, site, global_values, local_sites.
#include "protocol/handle/admin.h"
#include "protocol/handle/bootstrap.h"
#include "tests/protocol/vectors/build.h"
#include "tests/protocol/vectors/checks.h"

namespace idnode::vectors {

namespace {

void check_value(const Vector& v, Verdict& verdict) {
  const Value want = build_value(v.fields);
  std::string encoded;
  encode(want, encoded);
  verdict.equal("encoded", encoded, v.octets);
  Reader r(v.octets);
  const ValueView got = read_value(r);
  verdict.holds("decodes to the end", r.ok() && r.at_end(), r.position());
  if (!r.ok()) return;
  verdict.equal("octets of the view", got.encoded, v.octets);
  verdict.holds("decoded fields", to_value(got) == want);
  std::string older = encoded;
  stamp_value(older, 0, want.timestamp ^ 1);
  Reader patched(older);
  const ValueView other = read_value(patched);
  verdict.equal("patched timestamp", other.timestamp, want.timestamp ^ 1U);
  verdict.holds("the same but for it", same_but_timestamp(got, other) && !(to_value(other) == want));
}

bool accepts_value(const Vector&, std::string_view octets) {
  Reader r(octets);
  read_value(r);
  return r.ok();
}

void check_admin(const Vector& v, Verdict& verdict) {
  const bool decode_only = has(v.fields, "decode_only") && flag(v.fields, "decode_only");
  const handle::Admin want{
      static_cast<std::uint16_t>(number(v.fields, "permissions")),
      {text(v.fields, "admin_handle"), static_cast<std::uint32_t>(number(v.fields, "admin_index"))},
      flag(v.fields, "legacy_two_trailing_zero_bytes")};
  const auto got = handle::decode_admin(v.octets);
  verdict.holds("decodes", got.has_value());
  if (!got) return;
  verdict.equal("permissions", got->permissions, want.permissions);
  verdict.equal("handle", got->identity.handle, want.identity.handle);
  verdict.holds("all", *got == want);
  if (decode_only) return;
  std::string encoded;
  encode(want, encoded);
  verdict.equal("encoded", encoded, v.octets);
}

bool accepts_admin(const Vector&, std::string_view octets) {
  return handle::decode_admin(octets).has_value();
}

const char* legal_short_admin(const Vector& v, std::size_t length) {
  return flag(v.fields, "legacy_two_trailing_zero_bytes") && length + 2 == v.octets.size()
             ? "without the two octets of releases up to 7.3 (WIRE.md §20.1)"
             : nullptr;
}

void check_vlist(const Vector& v, Verdict& verdict) {
  const std::vector<Reference> want = build_references(field(v.fields, "references"));
  std::string encoded;
  handle::encode_vlist(want, encoded);
  verdict.equal("encoded", encoded, v.octets);
  verdict.holds("decoded", handle::decode_vlist(v.octets) == want);
  verdict.holds("nothing may follow", !handle::decode_vlist(v.octets + '\0'), v.octets.size());
}

bool accepts_vlist(const Vector&, std::string_view octets) {
  return handle::decode_vlist(octets).has_value();
}

void check_site(const Vector& v, Verdict& verdict) {
  const handle::Site want = build_site(v.fields);
  std::string encoded;
  encode(want, encoded);
  verdict.equal("encoded", encoded, v.octets);
  verdict.holds("decoded", handle::decode_site(v.octets) == want);
  verdict.holds("nothing may follow", !handle::decode_site(v.octets + '\0'), v.octets.size());
}

bool accepts_site(const Vector&, std::string_view octets) { return handle::decode_site(octets).has_value(); }

void check_global_values(const Vector& v, Verdict& verdict) {
  std::vector<Value> want;
  for (const Json& each : list(v.fields, "values")) want.push_back(build_value(each));
  std::string encoded;
  handle::encode_root_information(want, encoded);
  verdict.equal("encoded", encoded, v.octets);
  verdict.holds("decoded", handle::decode_root_information(v.octets) == want);
}

bool accepts_global_values(const Vector&, std::string_view octets) {
  return handle::decode_root_information(octets).has_value();
}

void check_local_sites(const Vector& v, Verdict& verdict) {
  std::vector<handle::LocalSite> want;
  for (const Json& each : list(v.fields, "entries")) {
    handle::LocalSite& entry = want.emplace_back();
    for (const Json& prefix : list(each.as_object(), "prefixes")) entry.prefixes.push_back(text(prefix));
    entry.site = build_site(object(each.as_object(), "site"));
  }
  std::string encoded;
  handle::encode_local_sites(want, encoded);
  verdict.equal("encoded", encoded, v.octets);
  verdict.holds("decoded", handle::decode_local_sites(v.octets) == want);
}

bool accepts_local_sites(const Vector&, std::string_view octets) {
  return handle::decode_local_sites(octets).has_value();
}

}  // namespace

std::span<const Row> data_rows() {
  static constexpr Row kRows[] = {
      {"value", check_value, accepts_value},
      {"admin", check_admin, accepts_admin, legal_short_admin},
      {"vlist", check_vlist, accepts_vlist},
      {"site", check_site, accepts_site},
      {"global_values", check_global_values, accepts_global_values},
      {"local_sites", check_local_sites, accepts_local_sites},
  };
  return kRows;
}

}  // namespace idnode::vectors
