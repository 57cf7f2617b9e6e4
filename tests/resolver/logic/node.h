// A node without sockets or disk: real logic on a MemoryStore, driven the way a worker drives it.
#pragma once

#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/handle/request.h"
#include "protocol/handle/response.h"
#include "protocol/value.h"
#include "resolver/logic/exchange.h"
#include "storage/memory_store.h"

namespace idnode::logic_test {

// One value of a record. Permissions as in the text form: "1110".
Value value(std::uint32_t index, std::string type, std::string data, std::string_view permissions = "1110");
Value site_value(std::uint32_t index, std::string type, const handle::Site& site);
Value admin_value(std::uint32_t index, Reference identity, std::uint16_t permissions);
handle::Site site_at(std::string_view address, std::uint16_t port);

// What came back, owned.
struct Reply {
  std::shared_ptr<const std::string> frame;
  handle::Response response;  // points into the frame
  std::uint32_t code() const { return response.header.response_code; }
  bool has(std::uint32_t flags) const { return (response.header.flags & flags) == flags; }
  std::vector<std::uint32_t> indexes() const;
  std::vector<std::string> names() const;
};

class Node {
 public:
  Node();

  void put(std::string_view name, const std::vector<Value>& values);
  void remove(std::string_view name);
  void home(std::string_view prefix_handle);
  void unhome(std::string_view prefix_handle);

  // Sends one message and does everything its steps want; every frame that came of it.
  std::vector<Reply> send(std::string_view frame);
  Reply ask(std::string_view frame);  // the only answer; code 0 when there is another number of them

  Settings& settings();
  NodeIdentity& identity();

  MemoryStore store;
  Routes routes;
  Services services;
  std::unique_ptr<Challenges> challenges;
  std::unique_ptr<Sessions> sessions;
  std::string session_key;  // opens encrypted answers
  Source source;
  Now now{1'700'000'000'000, 5'000};

  // Answers for kForward, in order; what was asked.
  std::deque<ForwardAnswer> others;
  std::vector<Question> asked;
  // What the next commits end in; empty: they are checked and applied.
  std::deque<CommitStatus> commits;
  int committed = 0;
  std::unique_ptr<Exchange> exchange;
  std::vector<Step> steps;  // of the last send()

 private:
  CommitResult commit(Mutation mutation);
  void write(std::vector<Write> writes);
  std::shared_ptr<Settings> settings_;
  std::shared_ptr<NodeIdentity> identity_;
  std::uint64_t sequence_ = 0;
};

// Requests as clients make them: version 2.11, request id 7, REC CA PO. `edit` changes a request before it is
// written.
using Edit = std::function<void(handle::Request&)>;
struct Filter {
  std::vector<std::uint32_t> indexes;
  std::vector<std::string> types;
};
std::string resolve_frame(std::string_view name, const Filter& filter = {},
                          std::uint32_t flags = handle::flag::kClientDefault, const Edit& edit = nullptr);
std::string frame_of(handle::OpCode op, std::string_view name, handle::RequestBody body = handle::NameBody{},
                     std::uint32_t flags = handle::flag::kClientDefault, const Edit& edit = nullptr);
// The answer to a challenge with a secret key.
std::string answer_frame(const Reply& challenge, std::string_view identity, std::uint32_t index,
                         std::string_view secret, const Edit& edit = nullptr);

}  // namespace idnode::logic_test
