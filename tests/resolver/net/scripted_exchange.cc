#include "tests/resolver/net/scripted_exchange.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "protocol/handle/request.h"
#include "protocol/handle/response.h"
#include "resolver/logic/exchange.h"

namespace idnode {
namespace {

std::mutex gate_mutex;
std::condition_variable gate_moved;
std::set<std::string> open_gates;
std::string begun;
std::atomic<std::uint64_t> begun_count{0};

void wait_for_gate(const std::string& name) {
  std::unique_lock lock(gate_mutex);
  gate_moved.wait_for(lock, std::chrono::seconds(30), [&] { return open_gates.contains(name); });
}

void append_answer(const handle::Envelope& envelope, std::uint32_t opcode, handle::ResponseCode code,
                   std::string_view name, std::size_t octets, bool more, std::string& out) {
  handle::Response response;
  response.envelope.suggested = envelope.suggested;
  response.envelope.request_id = envelope.request_id;
  response.header.opcode = opcode;
  response.header.response_code = static_cast<std::uint32_t>(code);
  response.header.expiration = 0xffff'ffff;
  if (more) response.header.flags |= handle::flag::kContinuous;
  Value value;
  value.index = 1;
  value.type = "URL";
  value.data.assign(octets, 'x');
  std::string encoded;
  encode(value, encoded);
  response.name = name;
  if (code == handle::ResponseCode::kSuccess) {
    response.has_values = true;
    response.values = {.count = 1, .encoded = encoded};
  }
  handle::encode_response(response, {}, out);
}

}  // namespace

namespace test {

void open_gate(const std::string& name) {
  const std::lock_guard lock(gate_mutex);
  open_gates.insert(name);
  gate_moved.notify_all();
}
void close_gates() {
  const std::lock_guard lock(gate_mutex);
  open_gates.clear();
  begun.clear();
  begun_count = 0;
}
std::uint64_t exchanges_begun() { return begun_count.load(); }
bool wait_begun(std::uint64_t count) {
  for (int i = 0; i < 2'000 && begun_count.load() < count; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return begun_count.load() >= count;
}
std::string take_begun() {
  const std::lock_guard lock(gate_mutex);
  return std::exchange(begun, {});
}

}  // namespace test

struct Exchange::State {
  handle::Envelope envelope;
  std::string_view message;
  std::string kept;
  std::string name, kind, rest, frame;
  std::uint32_t opcode = 0;
  int messages_left = 0;
  bool close = false;
  ExchangeRecord record;

  std::size_t number() const { return rest.empty() ? 0 : std::stoul(rest); }

  void answer(handle::ResponseCode code, std::size_t octets, bool more = false) {
    frame.clear();
    append_answer(envelope, opcode, code, name, octets, more, frame);
    record.code = static_cast<std::uint32_t>(code);
  }

  Step next_of_list() {
    --messages_left;
    answer(handle::ResponseCode::kSuccess, 1'000, messages_left > 0);
    return messages_left > 0 ? Step::kMore : Step::kDone;
  }
};

Exchange::Exchange(const Services&) : state_(std::make_unique<State>()) {}
Exchange::~Exchange() = default;

Step Exchange::start(const handle::Envelope& envelope, std::string_view message, const Source&, Now) {
  State& s = *state_;
  s.envelope = envelope;
  s.message = message;
  s.frame.clear();
  s.close = false;
  s.record = {};
  s.record.suggested = envelope.suggested;
  const auto request = handle::decode_request(envelope, message, {});
  if (!request) {
    const auto header = handle::decode_header(message);
    s.opcode = header ? header->opcode : 0;
    s.name.clear();
    s.answer(handle::ResponseCode::kProtocolError, 0);
    return Step::kDone;
  }
  s.opcode = s.record.opcode = s.record.original_opcode = request->header.opcode;
  s.name = request->name;
  s.record.name = s.name;
  const auto slash = s.name.find('/');
  s.kind = s.name.substr(0, slash);
  s.rest = slash == std::string::npos ? "" : s.name.substr(slash + 1);
  begun_count.fetch_add(1);
  {
    const std::lock_guard lock(gate_mutex);
    begun += s.name + " ";
  }
  if (s.kind == "read" || s.kind == "wait") return Step::kReadPool;
  if (s.kind == "hold") return Step::kCryptoPool;
  if (s.kind == "list") {
    s.messages_left = static_cast<int>(s.number());
    return s.next_of_list();
  }
  if (s.kind == "mute") return Step::kDone;
  s.close = s.kind == "bye";
  s.answer(handle::ResponseCode::kSuccess, s.kind == "now" ? s.number() : 0);
  return Step::kDone;
}

void Exchange::keep() {
  state_->kept.assign(state_->message);
  state_->message = state_->kept;
}

void Exchange::work() {
  if (state_->kind == "read") {
    std::this_thread::sleep_for(std::chrono::milliseconds(state_->number()));
  } else {
    wait_for_gate(state_->rest);
  }
}

Step Exchange::resume(Now) {
  if (state_->kind == "list") return state_->next_of_list();
  state_->answer(handle::ResponseCode::kSuccess, 10);
  return Step::kDone;
}

Mutation Exchange::take_mutation() { return {}; }
Step Exchange::committed(const CommitResult&, Now) { return Step::kDone; }
const Question& Exchange::question() const {
  static const Question question;
  return question;
}
Step Exchange::forwarded(const ForwardAnswer&, Now) { return Step::kDone; }
std::string_view Exchange::frame() const { return state_->frame; }
bool Exchange::close() const { return state_->close; }
bool Exchange::holds_connection() const { return state_->kind == "hold"; }
bool Exchange::proves() const { return false; }
bool Exchange::proof_held() const { return true; }
const ExchangeRecord& Exchange::record() const { return state_->record; }

void append_protocol_error(const Services&, const handle::Envelope& envelope, std::string_view message,
                           handle::ResponseCode code, std::string_view, Now, std::string& out) {
  Reader reader(message);
  const std::uint32_t opcode = message.size() >= 4 ? reader.u32() : 0;
  append_answer(envelope, opcode, code, {}, 0, false, out);
}
void append_refusal(const Services& services, const handle::Envelope& envelope, std::string_view message,
                    handle::ResponseCode code, std::string_view text, Now now, std::string& out) {
  append_protocol_error(services, envelope, message, code, text, now, out);
}

}  // namespace idnode
