// Deadlines for coroutines: an alarm calls a function at a time unless it is destroyed before. Sockets are
// closed by it, which ends whatever waits on them. One thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <unordered_set>
#include <vector>

namespace idnode {

using SteadyTime = std::chrono::steady_clock::time_point;

class Alarm;

// All alarms of one thread, so that stopping can ring them at once.
class Alarms {
 public:
  explicit Alarms(boost::asio::io_context& io) : io_(io) {}
  void ring_all();

 private:
  friend class Alarm;
  boost::asio::io_context& io_;
  std::unordered_set<Alarm*> set_;
};

class Alarm {
 public:
  Alarm(Alarms& alarms, SteadyTime at, std::function<void()> ring)
      : alarms_(alarms), state_(std::make_shared<State>(alarms.io_)) {
    alarms_.set_.insert(this);
    state_->ring = std::move(ring);
    state_->timer.expires_at(at);
    state_->timer.async_wait([state = state_](const boost::system::error_code& ec) {
      if (!ec) state->sound();
    });
  }
  ~Alarm() {
    alarms_.set_.erase(this);
    state_->ring = nullptr;
    state_->timer.cancel();
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  bool rang() const { return state_->rang; }
  void sound() { state_->sound(); }

 private:
  struct State {
    explicit State(boost::asio::io_context& io) : timer(io) {}
    void sound() {
      if (rang || !ring) return;
      rang = true;
      ring();
    }
    boost::asio::steady_timer timer;
    std::function<void()> ring;
    bool rang = false;
  };
  Alarms& alarms_;
  std::shared_ptr<State> state_;  // the timer's handler may run after the alarm is gone
};

inline void Alarms::ring_all() {
  const std::vector<Alarm*> all(set_.begin(), set_.end());
  for (Alarm* alarm : all) {
    if (set_.contains(alarm)) alarm->sound();
  }
}

}  // namespace idnode
