// Opcode 2 (BEHAVIOUR.md §10.5): anybody may ask, about any name.
#include "resolver/logic/operations.h"

namespace idnode {

Outcome site_info(const handle::Request&, Context& context) {
  Answer answer;
  answer.site = context.node().site_octets;
  return answer;
}

}  // namespace idnode
