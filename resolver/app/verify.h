// `idnode verify`: reads the whole data folder and says whether it is whole.
#pragma once

#include <string>
#include <vector>

#include "resolver/app/config.h"
#include "storage/open_error.h"

namespace idnode {

// One line for the log, one for the watermark, one for the store. The error names file and place. Changes
// nothing; the node may be running, then its store is left out.
Opened<std::vector<std::string>> verify_node(const Config& config);

}  // namespace idnode
