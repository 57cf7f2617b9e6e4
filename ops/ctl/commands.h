// The commands of idctl: each adds itself to the command line and runs with the shared context.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "ops/ctl/context.h"

namespace idnode::ctl {

// What the parsed command line asks for.
using Action = std::function<int(Context&)>;

void add_resolve(CLI::App& app, Action& action);
void add_records(CLI::App& app, Action& action);  // create, add, modify, remove, delete, list
void add_prefix(CLI::App& app, Action& action);
void add_import(CLI::App& app, Action& action);
void add_compare(CLI::App& app, Action& action);
void add_export(CLI::App& app, Action& action);
void add_status(CLI::App& app, Action& action);

}  // namespace idnode::ctl
