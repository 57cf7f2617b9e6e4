#include "resolver/net/sent_answers.h"

#include <algorithm>

#include "protocol/crypto/digest.h"

namespace idnode {

std::uint64_t SentAnswers::put(const Endpoint& peer, const handle::Envelope& envelope,
                               std::string_view message, std::string_view frame, std::uint32_t code,
                               std::uint64_t most_octets, std::uint64_t now_ms) {
  drop_expired(now_ms);
  Sent sent{.peer = peer,
            .request_id = envelope.request_id,
            .session_id = envelope.session_id,
            .digest = crypto::digest(crypto::Digest::kSha256, message),
            .frame = std::string(frame),
            .code = code,
            .at_ms = now_ms};
  if (sent.octets() > most_octets) return 1;
  octets_ += sent.octets();
  answers_.push_back(std::move(sent));
  std::uint64_t evicted = 0;
  for (; octets_ > most_octets; ++evicted) drop_oldest();
  return evicted;
}

const SentAnswers::Sent* SentAnswers::find(const Endpoint& peer, const handle::Envelope& envelope,
                                           std::string_view message, std::uint64_t now_ms) {
  drop_expired(now_ms);
  if (answers_.empty()) return nullptr;
  const std::string digest = crypto::digest(crypto::Digest::kSha256, message);
  const auto found = std::ranges::find_if(answers_, [&](const Sent& each) {
    return each.request_id == envelope.request_id && each.session_id == envelope.session_id &&
           each.peer == peer && each.digest == digest;
  });
  return found == answers_.end() ? nullptr : &*found;
}

void SentAnswers::drop_oldest() {
  octets_ -= answers_.front().octets();
  answers_.pop_front();
}

void SentAnswers::drop_expired(std::uint64_t now_ms) {
  while (!answers_.empty() && now_ms - answers_.front().at_ms >= kKeepMs) drop_oldest();
}

}  // namespace idnode
