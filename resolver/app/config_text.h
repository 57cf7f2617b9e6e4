// What the table of settings looks like to people: sample file, show-config, manual pages.
#pragma once

#include <string>

#include "resolver/app/config.h"

namespace idnode {

// A file that parse_config takes: every setting with its meaning; defaults are commented out.
std::string sample_config();

// Every setting with its origin behind it. `effective`: what the node would use (absolute paths, the number
// of workers, the published port); else what stands in the file.
std::string show_config(const Config& config, bool effective);

// roff: idnode(8) and idnode.toml(5).
std::string manual_of_program();
std::string manual_of_config();

}  // namespace idnode
