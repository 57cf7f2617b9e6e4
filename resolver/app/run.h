// The commands of `idnode`; each returns the exit code.
#pragma once

#include <string>

#include "protocol/crypto/key.h"

namespace idnode {

// Serves until SIGTERM or SIGINT. 0: drained; 1: the start failed (one line of level error) or the drain did.
int run_node(const std::string& file);
// Prints "ok", or every error.
int check_config(const std::string& file);
// Prints what was found whole, or one line of level error.
int run_verify(const std::string& file);
int print_config(const std::string& file, bool effective);
int run_init(const std::string& file, const std::string& key_folder, crypto::KeyKind kind, bool force);

}  // namespace idnode
