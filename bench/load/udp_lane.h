// One UDP socket of a load: batches with recvmmsg and sendmmsg.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "bench/load/lane.h"
#include "protocol/handle/fragment.h"

namespace idnode::load {

template <class Dialect>
class UdpLane {
 public:
  static constexpr std::size_t kBatch = 64;
  // Answers that never come leave holes: the ring has room for more than is wanted.
  static constexpr std::size_t kSpare = 16;

  UdpLane(const ResolveOptions& options, Bench<Dialect>& bench, Descriptor socket, std::uint32_t first_id)
      : bench_(bench),
        socket_(std::move(socket)),
        window_(options.rate > 0 ? std::size_t{32'768} : options.depth * kSpare, first_id, Dialect::kIdMask),
        buffers_(std::make_unique<Buffers>()) {
    Buffers& b = *buffers_;
    for (std::size_t i = 0; i < kBatch; ++i) {
      b.in_parts[i] = {.iov_base = b.in[i].data(), .iov_len = b.in[i].size()};
      b.in_heads[i].msg_hdr.msg_iov = &b.in_parts[i];
      b.in_heads[i].msg_hdr.msg_iovlen = 1;
      b.out_parts[i].iov_base = b.out[i].data();
      b.out_heads[i].msg_hdr.msg_iov = &b.out_parts[i];
      b.out_heads[i].msg_hdr.msg_iovlen = 1;
    }
  }

  int descriptor() const { return socket_.get(); }
  Window& window() { return window_; }
  bool open() const { return true; }
  bool wants_write() const { return false; }

  // Sends one request for each of `since`.
  void ask(const std::uint64_t* since, std::size_t n) {
    for (; n > 0;) {
      const std::size_t batch = std::min(n, kBatch);
      for (std::size_t i = 0; i < batch; ++i) write(i, since[i]);
      send(batch);
      since += batch;
      n -= batch;
    }
  }

  // Takes what is there, one batch; how many of the requests under way were answered.
  std::size_t receive() {
    Buffers& b = *buffers_;
    const int n = ::recvmmsg(socket_.get(), b.in_heads.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (n < 0 && errno == ECONNREFUSED) refused_ = true;
    if (n <= 0) return 0;
    const std::uint64_t now = steady_ns();
    std::size_t answered = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
      answered += bench_.judge(window_, {b.in[i].data(), b.in_heads[i].msg_len}, now) ? 1 : 0;
    return answered;
  }
  bool refused() const { return refused_; }

 private:
  struct Buffers {
    std::array<std::array<char, 2'048>, kBatch> in;
    std::array<std::array<char, handle::kDatagram>, kBatch> out;
    std::array<iovec, kBatch> in_parts, out_parts;
    std::array<mmsghdr, kBatch> in_heads{}, out_heads{};
  };

  void write(std::size_t i, std::uint64_t since) {
    const std::uint32_t key = bench_.next_key();
    const std::string_view frame = bench_.question(key).frame;
    char* out = buffers_->out[i].data();
    std::memcpy(out, frame.data(), frame.size());
    Dialect::put_id(out, window_.add(key, since));
    buffers_->out_parts[i].iov_len = frame.size();
  }

  // What the kernel does not take is lost like any datagram.
  void send(std::size_t batch) {
    bench_.tally.sent += batch;
    for (std::size_t done = 0; done < batch;) {
      const int n = ::sendmmsg(socket_.get(), buffers_->out_heads.data() + done,
                               static_cast<unsigned>(batch - done), 0);
      if (n > 0)
        done += static_cast<std::size_t>(n);
      else if (errno == ECONNREFUSED)
        refused_ = true;  // tells of an earlier datagram; the call may be repeated
      else if (errno != EINTR)
        return;
    }
  }

  Bench<Dialect>& bench_;
  Descriptor socket_;
  Window window_;
  std::unique_ptr<Buffers> buffers_;
  bool refused_ = false;
};

}  // namespace idnode::load
