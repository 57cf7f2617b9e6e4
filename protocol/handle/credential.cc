#include "protocol/handle/credential.h"

#include "protocol/bytes.h"

namespace idnode::handle {

Result<Credential> decode_credential(std::string_view in) {
  Reader outer(in);
  Credential c;
  if (outer.left() < 4) return c;
  Reader r(outer.bytes());
  if (!outer.ok()) return std::unexpected(Errc::kMalformed);
  if (r.left() == 0) return c;
  c.present = true;
  c.version = r.u8();
  c.reserved = r.u8();
  c.options = r.u16();
  c.signer = r.bytes();
  c.counter = r.u32();
  c.type = r.bytes();
  Reader info(r.bytes());
  c.algorithm = info.bytes();
  c.signature = info.bytes();
  if (!r.ok() || !info.ok()) return std::unexpected(Errc::kMalformed);
  return c;
}

void encode(const Credential& credential, std::string& out) {
  Writer w(out);
  const std::size_t length = w.reserve_u32();
  if (!credential.present) return;
  const std::size_t start = w.size();
  w.u8(credential.version);
  w.u8(credential.reserved);
  w.u16(credential.options);
  w.bytes(credential.signer);
  w.u32(credential.counter);
  w.bytes(credential.type);
  const std::size_t info_length = w.reserve_u32();
  const std::size_t info = w.size();
  w.bytes(credential.algorithm);
  w.bytes(credential.signature);
  w.patch_u32(info_length, static_cast<std::uint32_t>(w.size() - info));
  w.patch_u32(length, static_cast<std::uint32_t>(w.size() - start));
}

}  // namespace idnode::handle
