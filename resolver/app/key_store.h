// Files that hold keys: made with mode 0600, and not read when others may read them.
#pragma once

#include <string>
#include <string_view>

#include "protocol/crypto/key.h"
#include "storage/open_error.h"

namespace idnode {

// `<data>/node.pem`, PKCS#8: the key that signs answers.
std::string node_key_path(const std::string& data_folder);

// Errors name the path and what to do: missing, readable by group or others, no key inside.
Opened<crypto::PrivateKey> read_node_key(const std::string& path);

// A new file, synced; kExists unless `replace`. `mode` is 0600 for secrets.
Opened<void> write_new_file(const std::string& path, std::string_view octets, unsigned mode, bool replace);
// Renames a synced temporary file into place, so that readers find the old or the new one.
Opened<void> replace_file(const std::string& path, std::string_view octets, unsigned mode);

}  // namespace idnode
