// One TCP connection of a load: all complete answers of a read, then all new requests in one write.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "bench/load/lane.h"

namespace idnode::load {

template <class Dialect>
class TcpLane {
 public:
  TcpLane(const ResolveOptions& options, Bench<Dialect>& bench, Descriptor socket, std::uint32_t first_id)
      : bench_(bench),
        socket_(std::move(socket)),
        window_(options.rate > 0 ? std::size_t{32'768} : options.depth, first_id, Dialect::kIdMask),
        in_(std::size_t{1} << 18) {}

  int descriptor() const { return socket_.get(); }
  Window& window() { return window_; }
  bool open() const { return open_; }
  bool refused() const { return !open_; }
  bool wants_write() const { return written_ < out_.size(); }

  void ask(const std::uint64_t* since, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t key = bench_.next_key();
      const std::size_t at = out_.size();
      out_.append(bench_.question(key).frame);
      Dialect::put_id(out_.data() + at, window_.add(key, since[i]));
    }
    bench_.tally.sent += n;
    flush();
  }

  std::size_t receive() {
    if (wants_write()) flush();
    const ssize_t n = ::read(socket_.get(), in_.data() + held_, in_.size() - held_);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) open_ = false;
    if (n <= 0) return 0;
    held_ += static_cast<std::size_t>(n);
    const std::uint64_t now = steady_ns();
    std::size_t answered = 0;
    std::size_t at = 0;
    for (;;) {
      const std::string_view rest(in_.data() + at, held_ - at);
      const std::size_t size = Dialect::frame_size(rest);
      if (size > rest.size()) open_ = false;
      if (size == 0 || !open_) break;
      answered += bench_.judge(window_, rest.substr(0, size), now) ? 1 : 0;
      at += size;
    }
    std::memmove(in_.data(), in_.data() + at, held_ - at);
    held_ -= at;
    if (held_ == in_.size()) in_.resize(in_.size() * 2);
    return answered;
  }

 private:
  void flush() {
    while (written_ < out_.size()) {
      const ssize_t n = ::send(socket_.get(), out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
      if (n > 0) {
        written_ += static_cast<std::size_t>(n);
      } else if (errno != EINTR) {
        if (errno != EAGAIN) open_ = false;
        return;
      }
    }
    out_.clear();
    written_ = 0;
  }

  Bench<Dialect>& bench_;
  Descriptor socket_;
  Window window_;
  std::vector<char> in_;
  std::size_t held_ = 0;
  std::string out_;
  std::size_t written_ = 0;
  bool open_ = true;
};

}  // namespace idnode::load
