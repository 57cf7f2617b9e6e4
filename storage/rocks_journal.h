// RocksDB's own messages. Its default logger writes through the same file layer as the data and aborts the
// process when the disk is full; this one writes by itself and drops what it cannot write.
#pragma once

#include <rocksdb/env.h>

#include <memory>
#include <string>

namespace idnode {

// Appends to `path`, at most 4 MiB, then the file becomes `path` + ".old". With an empty path nothing is
// kept.
std::shared_ptr<rocksdb::Logger> make_rocks_journal(const std::string& path);

}  // namespace idnode
