// Create (opcode 100; BEHAVIOUR.md §9.2, §9.3) and delete (101; §9.4).
#include "protocol/crypto/digest.h"
#include "protocol/handle/admin.h"
#include "protocol/identifier.h"
#include "resolver/logic/change.h"
#include "resolver/logic/operations.h"
#include "resolver/logic/responsible.h"
#include "resolver/logic/settle.h"
#include "storage/keys.h"
#include "storage/record.h"

namespace idnode {
namespace {

using handle::ResponseCode;

constexpr int kMintTries = 16;

// Text form of a version 4 UUID made of 16 octets.
void append_uuid(std::string_view octets, std::string& out) {
  std::string raw(octets);
  raw[6] = static_cast<char>((raw[6] & 0x0f) | 0x40);
  raw[8] = static_cast<char>((raw[8] & 0x3f) | 0x80);
  const std::string hex = to_hex(raw);
  out.append(hex, 0, 8).append("-").append(hex, 8, 4).append("-").append(hex, 12, 4);
  out.append("-").append(hex, 16, 4).append("-").append(hex, 20, 12);
}

// `stem` and a suffix that is not in use. The suffix comes from octets that are random, used once and the
// same in every round of one decision (the nonce of the answered challenge, else the context's), so each
// round finds the same name.
std::optional<Outcome> mint(Context& context, std::string_view stem, std::string& name, Lookup& record) {
  const std::string_view secret = context.presented != nullptr ? context.presented->nonce : context.seed();
  if (secret.empty()) return Refuse{ResponseCode::kError, "no random octets for a name"};
  for (int attempt = 0; attempt < kMintTries; ++attempt) {
    const char number = static_cast<char>(attempt);
    const std::string seed =
        crypto::digest(crypto::Digest::kSha256, {secret, stem, {&number, 1}}).substr(0, 16);
    name.assign(stem);
    append_uuid(seed, name);
    if (auto out = look_up(context, name, record)) return out;
    if (!record.exists()) return std::nullopt;
  }
  return Refuse{ResponseCode::kError, "no unused name was found"};
}

// §9.3: the permissions of the difference; else ADD_ADMIN alone; else to delete and to create.
May may_overwrite(Context& context, const Claimed& who, std::string_view name, ValueList old,
                  std::uint16_t needed) {
  if ((needed & handle::kAddAdmin) == 0) {
    const May may = holds(context, who, needed, name, old);
    if (may != May::kNo) return may;
  }
  May may = holds(context, who, handle::kAddAdmin, name, old);
  if (may != May::kNo) return may;
  may = holds(context, who, handle::kDeleteHandle, name, old);
  return may == May::kYes ? may_create(context, who, name) : may;
}

Answer created(std::string_view name, std::uint32_t flags) {
  Answer answer = done();
  answer.name = name;
  answer.flags = flags;
  return answer;
}

Outcome create_new(Context& context, std::string_view name, ValueList values, const Lookup& before,
                   std::uint32_t flags) {
  if (auto out = settle(context, [&](const Claimed& who) { return may_create(context, who, name); })) {
    return std::move(*out);
  }
  const Edit edit = edit_create(values, context.now.seconds());
  if (auto out = validate(context, name, edit)) return std::move(*out);
  if (auto out = require_admin(context, edit)) return std::move(*out);
  return commit_edit(context, "create", name, before, edit, created(name, flags));
}

Outcome create_over(Context& context, std::string_view name, ValueList values, const Lookup& before,
                    std::uint32_t flags) {
  const Edit edit = edit_overwrite(before.values(), values, context.now.seconds());
  const auto may = [&](const Claimed& who) {
    return may_overwrite(context, who, name, before.values(), edit.needed);
  };
  if (auto out = settle(context, may)) return std::move(*out);
  if (auto out = validate(context, name, edit)) return std::move(*out);
  if (auto out = require_admin(context, edit)) return std::move(*out);
  return commit_edit(context, "create", name, before, edit, created(name, flags | handle::flag::kOverwrite));
}

}  // namespace

Outcome create_handle(const handle::Request& request, Context& context) {
  const ValueList values = std::get<handle::ValuesBody>(request.body).values;
  const bool mints = request.has(handle::flag::kMint);
  std::string_view name = request.name;
  Lookup before;
  // Without credentials the name is not made yet: it would be another one when the answer comes.
  if (mints && has_credentials(context)) {
    std::string& minted = context.buffer();
    if (auto out = mint(context, request.name, minted, before)) return std::move(*out);
    name = minted;
    if (name.size() > context.settings().limits.name_bytes) {
      return Refuse{ResponseCode::kInvalidHandle, "the made name would be too long"};
    }
  }

  if (auto out = responsible(request, context, name)) return std::move(*out);
  if (const Edit checked = check_values(values); checked.code != ResponseCode::kSuccess) {
    return refuse_edit(context, checked);
  }
  if (!mints) {
    if (auto out = look_up(context, name, before)) return std::move(*out);
  }
  // Cheap and before the challenge: clients depend on it (§20.17).
  if (before.exists() && !request.has(handle::flag::kOverwrite)) {
    return Refuse{ResponseCode::kHandleExists, "the identifier is there already"};
  }
  if (!has_credentials(context)) return Challenge{};
  if (auto out = rest_on_home(context, name)) return std::move(*out);
  const std::uint32_t flags = mints ? handle::flag::kMint : 0;
  return before.exists() ? create_over(context, name, values, before, flags)
                         : create_new(context, name, values, before, flags);
}

Outcome delete_handle(const handle::Request& request, Context& context) {
  const std::string_view name = request.name;
  const Refuse elsewhere{ResponseCode::kNotResponsible, "another server of this site holds the identifier"};
  if (!hashes_here(context, name)) return elsewhere;
  // Not responsible is no obstacle: a record left behind by an unhome can be deleted (§9.4).
  if (auto out = responsible(request, context, name)) {
    const Refuse* refused = std::get_if<Refuse>(&*out);
    if (refused == nullptr || refused->code != ResponseCode::kNotResponsible) return std::move(*out);
  }
  if (!has_credentials(context)) return Challenge{};
  Lookup before;
  if (auto out = look_up(context, name, before)) return std::move(*out);
  if (!before.exists()) return Refuse{ResponseCode::kHandleNotFound, "no such identifier", true};
  if (auto out = authorize(request, context, handle::kDeleteHandle, name, before.values())) {
    return std::move(*out);
  }
  Commit commit;
  commit.mutation.action = "delete";
  commit.mutation.writes.push_back(
      {record_key(name, context.settings().node.case_sensitive), make_tombstone(before.record.name)});
  commit.answer = done();
  return commit;
}

}  // namespace idnode
