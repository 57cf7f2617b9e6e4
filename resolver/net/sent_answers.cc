#include "resolver/net/sent_answers.h"

#include <algorithm>

#include "protocol/crypto/digest.h"

namespace idnode {

std::uint64_t SentAnswers::put(const Endpoint& peer, const handle::Envelope& envelope,
                               std::string_view message, const Answered& answered, std::uint64_t most_octets,
                               std::uint64_t now_ms) {
  drop_expired(now_ms);
  Sent sent{.peer = peer,
            .request_id = envelope.request_id,
            .session_id = envelope.session_id,
            .digest = crypto::digest(crypto::Digest::kSha256, message),
            .frame = std::string(answered.frame),
            .opcode = answered.opcode,
            .code = answered.code,
            .at_ms = now_ms};
  if (sent.octets() > most_octets) return 1;
  octets_ += sent.octets();
  answers_.push_back(std::move(sent));
  by_id_.emplace(envelope.request_id, &answers_.back());
  std::uint64_t evicted = 0;
  for (; octets_ > most_octets; ++evicted) drop_oldest();
  return evicted;
}

const SentAnswers::Sent* SentAnswers::find(const Endpoint& peer, const handle::Envelope& envelope,
                                           std::string_view message, std::uint64_t now_ms) {
  drop_expired(now_ms);
  std::string digest;
  const auto [first, last] = by_id_.equal_range(envelope.request_id);
  for (auto each = first; each != last; ++each) {
    const Sent& sent = *each->second;
    if (sent.session_id != envelope.session_id || sent.peer != peer) continue;
    if (digest.empty()) digest = crypto::digest(crypto::Digest::kSha256, message);
    if (sent.digest == digest) return &sent;
  }
  return nullptr;
}

void SentAnswers::drop_oldest() {
  const Sent& oldest = answers_.front();
  const auto [first, last] = by_id_.equal_range(oldest.request_id);
  by_id_.erase(std::find_if(first, last, [&](const auto& item) { return item.second == &oldest; }));
  octets_ -= oldest.octets();
  answers_.pop_front();
}

void SentAnswers::drop_expired(std::uint64_t now_ms) {
  while (!answers_.empty() && now_ms - answers_.front().at_ms >= kKeepMs) drop_oldest();
}

}  // namespace idnode
