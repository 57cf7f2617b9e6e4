// How a failure inside the node is told to a Handle client: the only place where Errc becomes a response code
// (WIRE.md §10, §29; BEHAVIOUR.md §2).
#pragma once

#include "protocol/handle/codes.h"
#include "protocol/result.h"

namespace idnode::handle {

// For failures that no operation has a better word for. An answer such as "handle not found" is no failure
// and does not come from here. What decode_request() refuses is kProtocolError whatever the Errc (§29.2,
// §29.3).
ResponseCode code_of(Errc e);

}  // namespace idnode::handle
