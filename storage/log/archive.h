// Which segments of a log may be moved away.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/log/file.h"
#include "storage/open_error.h"

namespace idnode {

// Names of the segments, oldest first, that hold nothing after `flushed`: a sequence up to which the store is
// durable by itself (Store::applied() read before a Store::flush() that went well). The newest segment is
// never among them. Nothing is removed here: by default a node keeps its whole log.
Opened<std::vector<std::string>> archivable(const std::string& folder, std::uint64_t flushed,
                                            LogFiles& files = real_files());

}  // namespace idnode
