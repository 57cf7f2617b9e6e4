// `idnode init`: the data folder, the node's key, the records of its own prefixes, the first administrator
// and its key files.
#pragma once

#include <string>
#include <vector>

#include "protocol/crypto/key.h"
#include "resolver/app/config.h"
#include "storage/open_error.h"

namespace idnode {

struct InitOptions {
  std::string key_folder;
  crypto::KeyKind key_kind = crypto::KeyKind::kRsa;
  bool force = false;  // replaces key files; never a data folder
};

// What was made, one line each. On failure nothing of it stays; the error names what is in the way.
Opened<std::vector<std::string>> init_node(const Config& config, const InitOptions& options);

}  // namespace idnode
