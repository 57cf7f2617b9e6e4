// The rows of protocol/limits.h as settings of [limits].
#pragma once

#include <vector>

#include "resolver/app/config_fields.h"

namespace idnode {

void add_limit_fields(std::vector<Field>& out);

}  // namespace idnode
