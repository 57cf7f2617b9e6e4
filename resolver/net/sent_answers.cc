#include "resolver/net/sent_answers.h"

#include <algorithm>

namespace idnode {

std::uint64_t SentAnswers::put(const Endpoint& peer, const handle::Envelope& envelope,
                               std::string_view message, std::string_view frame, std::uint64_t now_ms) {
  drop_expired(now_ms);
  Sent sent{.peer = peer,
            .request_id = envelope.request_id,
            .session_id = envelope.session_id,
            .message = std::string(message),
            .frame = std::string(frame),
            .at_ms = now_ms};
  if (sent.octets() > kMostOctets) return 1;
  octets_ += sent.octets();
  answers_.push_back(std::move(sent));
  std::uint64_t evicted = 0;
  for (; octets_ > kMostOctets; ++evicted) drop_oldest();
  return evicted;
}

std::string_view SentAnswers::find(const Endpoint& peer, const handle::Envelope& envelope,
                                   std::string_view message, std::uint64_t now_ms) {
  drop_expired(now_ms);
  const auto found = std::ranges::find_if(answers_, [&](const Sent& each) {
    return each.request_id == envelope.request_id && each.session_id == envelope.session_id &&
           each.peer == peer && each.message == message;
  });
  return found == answers_.end() ? std::string_view() : std::string_view(found->frame);
}

void SentAnswers::drop_oldest() {
  octets_ -= answers_.front().octets();
  answers_.pop_front();
}

void SentAnswers::drop_expired(std::uint64_t now_ms) {
  while (!answers_.empty() && now_ms - answers_.front().at_ms >= kKeepMs) drop_oldest();
}

}  // namespace idnode
