#include "resolver/logic/status.h"

#include <optional>
#include <string>
#include <variant>

#include "resolver/logic/authorize.h"
#include "resolver/logic/select.h"

namespace idnode {
namespace {

Value status_value(std::uint32_t index, std::string_view type, std::string data, Now now) {
  Value value;
  value.index = index;
  value.timestamp = now.seconds();
  value.permissions = kAdminRead | kAdminWrite;
  value.type = type;
  value.data = std::move(data);
  return value;
}

std::string numbers_text(const Context& context) {
  const Services& services = context.services();
  const StatusNumbers numbers = services.status_numbers ? services.status_numbers() : StatusNumbers{};
  const std::uint64_t now = context.now.ms;
  const std::uint64_t runtime = now > services.started_ms ? now - services.started_ms : 0;
  return "freemem=" + std::to_string(numbers.free_memory) +
         "; totalmem=" + std::to_string(numbers.total_memory) +
         "; maxmem=" + std::to_string(numbers.most_memory) + "; runtime=" + std::to_string(runtime) +
         "; numreqs=" + std::to_string(numbers.requests);
}

std::string replication_text(const Context& context) {
  return "{\"latestTxnId\":" + std::to_string(context.services().store->applied()) +
         ",\"replicationStatus\":{}}";
}

}  // namespace

Outcome read_status(const handle::Request& request, Context& context) {
  using handle::ResponseCode;
  if (!context.settings().compat.status_handle)
    return Refuse{ResponseCode::kHandleNotFound, "the status record is switched off"};
  if (request.has(handle::flag::kPublicOnly))
    return Refuse{ResponseCode::kValuesNotFound, "no such value can be read by everybody"};
  if (std::optional<Outcome> refusal =
          authorize_listed(request, context, context.settings().node.administrators))
    return std::move(*refusal);

  const auto& status_json = context.services().status_json;
  std::string all;
  encode(status_value(1, "CNRI.SERVER_STATUS", numbers_text(context), context.now), all);
  std::uint32_t count = 1;
  if (status_json) {
    encode(status_value(2, "CNRI.SERVER_STATUS", status_json(), context.now), all);
    ++count;
  }
  encode(status_value(3, "CNRI.REPLICATION_STATUS", replication_text(context), context.now), all);
  ++count;

  Answer answer;
  answer.name = request.name;
  answer.has_values = true;
  answer.restricted = true;
  std::string& out = context.buffer();
  const auto& wanted = std::get<handle::ResolveBody>(request.body);
  answer.values.count = collect(wanted, {count, all}, Take::kReadable, out);
  answer.values.encoded = out;
  if (answer.values.count == 0)
    return Refuse{ResponseCode::kValuesNotFound, "the status record has no such value"};
  return answer;
}

}  // namespace idnode
