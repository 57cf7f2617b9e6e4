#include "resolver/logic/decide.h"

#include "protocol/identifier.h"
#include "resolver/logic/operations.h"

namespace idnode {
namespace {

using handle::ResponseCode;

// P2. An answered challenge has passed it with its first message.
bool takes(const Source& source, handle::Kind kind) {
  switch (kind) {
    case handle::Kind::kEither: return true;
    case handle::Kind::kQuery: return source.takes_queries;
    case handle::Kind::kAdmin: return source.takes_administration;
    case handle::Kind::kUnknown: break;
  }
  return false;
}

bool is_primary(const handle::Site& site) { return site.primary || site.multi_primary; }

}  // namespace

Outcome decide(const handle::Request& request, Context& context) {
  const handle::OperationName* known = handle::find_operation(request.header.opcode);
  if (known == nullptr) return Refuse{ResponseCode::kProtocolError, "unknown operation"};
  if (context.presented == nullptr && !takes(context.source, known->kind))
    return Refuse{ResponseCode::kProtocolError, "this listener does not take the operation"};
  if (context.session.kind == SessionState::Kind::kUnknown)
    return Refuse{ResponseCode::kSessionTimeout, "there is no such session"};

  const Operation* row = operation(request.op());
  if (row == nullptr) return Refuse{ResponseCode::kNotSupported, "this node does not offer the operation"};
  if (row->changes && !is_primary(context.node().site))
    return Refuse{ResponseCode::kNotResponsible, "changes go to a primary site"};
  if (!row->over_udp && context.source.transport == Transport::kUdp)
    return Refuse{ResponseCode::kNotSupported, "the answer takes several messages: ask over TCP"};
  if (row->names && !valid_utf8(request.name))
    return Refuse{ResponseCode::kInvalidHandle, "the name is not UTF-8"};
  return row->run(request, context);
}

}  // namespace idnode
