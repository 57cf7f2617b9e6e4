// Building responses (WIRE.md §13, BEHAVIOUR.md §5.1).
//
// Reply writes one frame after the other for one request into one buffer that it keeps. A response that has
// to be signed or encrypted is written first and sealed later, on the crypto pool: until then frame() must
// not be sent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/crypto/digest.h"
#include "protocol/handle/request.h"
#include "protocol/handle/response.h"
#include "resolver/logic/outcome.h"
#include "resolver/logic/question.h"
#include "resolver/logic/services.h"
#include "resolver/logic/source.h"

namespace idnode {

// What of a response does not stand in the request that was executed.
struct Addressee {
  std::uint32_t request_id = 0;  // of the message that is answered
  std::uint32_t session_id = 0;
};

class Reply {
 public:
  // Forgets what was written; `request` is the one that was executed and must outlive the calls below, as
  // must `session`, in which it came (null: in none with a key).
  void begin(const handle::Request& request, Addressee to, const NodeIdentity& node, Now now,
             const Session* session = nullptr);
  // The answer tells the client its new session.
  void set_session_id(std::uint32_t id) { to_.session_id = id; }

  // The request's digest, as challenges and RD answers carry it, and its algorithm octet.
  std::string_view make_digest();
  std::uint8_t digest_algorithm() const { return algorithm_; }

  // Each writes the frame. `more`: further messages of this answer follow (CN).
  void answer(const Answer& answer);
  void refuse(const Refuse& refusal);
  // make_digest() comes before.
  void challenge(std::string_view nonce, std::uint32_t session_id);
  void forwarded(const ForwardAnswer& answer);
  void names(std::uint32_t count, std::string_view encoded, bool more);

  // The frame is to be signed or encrypted, and is not yet.
  bool wants_seal() const { return wants_seal_; }
  // Crypto pool. In a session: MAC with the node's next counter when CT is set, then encryption when the
  // client wants it or a restricted value is in it (BEHAVIOUR.md §5.1 rules 6-8). Else the node's signature.
  // When that fails the frame becomes a refusal with RC 2, unsigned, in the clear and without data.
  void seal();

  std::string_view frame() const { return frame_; }
  handle::ResponseCode code() const { return code_; }

 private:
  handle::Response start(handle::ResponseCode code, bool authoritative) const;
  void write(handle::Response& response, bool restricted = false);
  bool certify();
  bool encrypt();

  const handle::Request* request_ = nullptr;
  Addressee to_;
  const NodeIdentity* node_ = nullptr;
  Now now_;
  crypto::Sha256 sha256_;
  std::string digest_;
  std::uint8_t algorithm_ = 0;
  std::string frame_;
  std::string credential_;
  const Session* session_ = nullptr;
  handle::Envelope written_;  // of the frame that is to be sealed
  handle::ResponseCode code_ = handle::ResponseCode::kNone;
  bool wants_seal_ = false;
  bool encrypts_ = false;
};

}  // namespace idnode
