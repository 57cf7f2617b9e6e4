// RocksDB's files on a SimulatedDisk: one power cut, one plan of faults, for log and store together.
#pragma once

#include <rocksdb/env.h>

#include <memory>

#include "tests/storage/simulated_disk.h"

namespace idnode {

// `disk` must outlive it. Threads and clock are the real ones, but nobody sleeps
// longer than a millisecond.
std::unique_ptr<rocksdb::Env> make_simulated_env(SimulatedDisk& disk);

}  // namespace idnode
