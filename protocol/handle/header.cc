#include "protocol/handle/header.h"

#include "protocol/bytes.h"

namespace idnode::handle {

Result<Header> decode_header(std::string_view message) {
  Reader r(message);
  Header h;
  h.opcode = r.u32();
  h.response_code = r.u32();
  h.flags = r.u32();
  h.site_serial = r.u16();
  h.recursion_count = r.u8();
  r.u8();  // reserved
  h.expiration = r.u32();
  h.body_length = r.u32();
  if (!r.ok()) return std::unexpected(r.error());
  if (h.body_length > r.left()) return std::unexpected(Errc::kMalformed);
  return h;
}

void encode(const Header& header, std::string& out) {
  Block<kHeaderSize> w;
  w.u32(header.opcode);
  w.u32(header.response_code);
  w.u32(header.flags);
  w.u16(header.site_serial);
  w.u8(header.recursion_count);
  w.u8(0);
  w.u32(header.expiration);
  w.u32(header.body_length);
  out.append(w.view());
}

}  // namespace idnode::handle
