// The one decision: what to do about a request. UDP, TCP, HTTP and the tests all come here.
//
// Pure: reads no clock, socket or thread, never blocks; with the same context it decides the same. Steps P2,
// P5, P7, P8 of BEHAVIOUR.md §5; P1 is the decoder's, opcode 200 is the exchange's (it calls decide with the
// stored request and context.presented set).
#pragma once

#include "protocol/handle/request.h"
#include "resolver/logic/context.h"
#include "resolver/logic/outcome.h"

namespace idnode {

Outcome decide(const handle::Request& request, Context& context);

}  // namespace idnode
