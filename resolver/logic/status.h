// The computed record 0.SITE/status (BEHAVIOUR.md §7.6).
#pragma once

#include <string_view>

#include "protocol/handle/request.h"
#include "resolver/logic/context.h"
#include "resolver/logic/outcome.h"

namespace idnode {

inline constexpr std::string_view kStatusName = "0.SITE/status";

// For administrators of the node: values 1 (text), 2 (JSON) and 3 (replication), none publicly readable.
Outcome read_status(const handle::Request& request, Context& context);

}  // namespace idnode
