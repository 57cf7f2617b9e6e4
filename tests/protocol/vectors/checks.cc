#include "tests/protocol/vectors/checks.h"

namespace idnode::vectors {

bool counted(std::string_view kind) { return kind != "malformed" && kind != "transcript"; }

const Row* row_of(std::string_view kind) {
  using Rows = std::span<const Row> (*)();
  static constexpr Rows kTable[] = {
      mac_rows,     key_rows,  proof_rows, session_rows, site_hash_rows,
      message_rows, data_rows, name_rows,  udp_rows,     stream_rows,
  };
  for (const Rows rows : kTable) {
    for (const Row& row : rows()) {
      if (row.kind == kind) return &row;
    }
  }
  return nullptr;
}

}  // namespace idnode::vectors
