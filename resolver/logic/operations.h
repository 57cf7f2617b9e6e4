// Operation code -> what runs it. One row an operation; the kind of listener it needs is in
// protocol/handle/codes.h.
#pragma once

#include <cstdint>

#include "protocol/handle/codes.h"
#include "protocol/handle/request.h"
#include "resolver/logic/context.h"
#include "resolver/logic/outcome.h"

namespace idnode {

using Operate = Outcome (*)(const handle::Request&, Context&);

struct Operation {
  handle::OpCode code;
  Operate run;
  bool changes;   // P7: refused with 301 on a site that is not primary
  bool names;     // its `name` is looked at: must be UTF-8 (BEHAVIOUR.md §1.1 rule 1)
  bool over_udp;  // false: several messages answer it; 5 on UDP (WIRE.md §4.3)
};

// nullptr: handled before (200) or nobody's.
const Operation* operation(handle::OpCode code);

// resolve.cc, site_info.cc, verify.cc, list.cc
Outcome resolve(const handle::Request& request, Context& context);
Outcome site_info(const handle::Request& request, Context& context);
Outcome verify_answer(const handle::Request& request, Context& context);
Outcome list_handles(const handle::Request& request, Context& context);
Outcome list_homed(const handle::Request& request, Context& context);

// session.cc
Outcome set_up_session(const handle::Request& request, Context& context);
Outcome end_session(const handle::Request& request, Context& context);
Outcome exchange_key(const handle::Request& request, Context& context);

// Known, and refused until they are offered: 106, 1000 and 2001 (5); 1003 only once the requester has shown
// that it may ask (BEHAVIOUR.md §8.9). 1001 and 1002: there is no queue of transactions, which comes before
// who asks (§11.2), so 5 to anybody; with [replication] serve, who asks comes first (§11.5).
Outcome not_offered(const handle::Request& request, Context& context);
Outcome replicate(const handle::Request& request, Context& context);
Outcome back_up(const handle::Request& request, Context& context);

// change.cc and those beside it
Outcome create_handle(const handle::Request& request, Context& context);
Outcome delete_handle(const handle::Request& request, Context& context);
Outcome add_values(const handle::Request& request, Context& context);
Outcome remove_values(const handle::Request& request, Context& context);
Outcome modify_values(const handle::Request& request, Context& context);
Outcome home_prefix(const handle::Request& request, Context& context);
Outcome unhome_prefix(const handle::Request& request, Context& context);

}  // namespace idnode
