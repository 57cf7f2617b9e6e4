#include "resolver/net/worker.h"

#include <boost/asio/post.hpp>
#include <future>
#include <string>

namespace idnode {

bool Mailbox::post(std::move_only_function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (context_ == nullptr) return false;
  boost::asio::post(*context_, std::move(task));
  return true;
}

Worker::Worker(unsigned index)
    : index_(index), guard_(context_.get_executor()), mailbox_(std::make_shared<Mailbox>()) {
  mailbox_->context_ = &context_;
}

Worker::~Worker() {
  stop();
  const std::lock_guard lock(mailbox_->mutex_);
  mailbox_->context_ = nullptr;
}

void Worker::start(std::chrono::microseconds spin) {
  thread_ = std::thread([this, spin] {
    pthread_setname_np(pthread_self(), ("worker-" + std::to_string(index_)).c_str());
    run(spin);
  });
}

void Worker::run(std::chrono::microseconds spin) {
  using steady = std::chrono::steady_clock;
  if (spin.count() == 0) {
    context_.run();
    return;
  }
  steady::time_point last = steady::now();  // there was something to do
  while (!context_.stopped()) {
    if (context_.poll() != 0) {
      last = steady::now();
    } else if (steady::now() - last >= spin) {
      context_.run_one();
      last = steady::now();
    }
  }
}

void Worker::stop() {
  guard_.reset();
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

void Worker::call(std::move_only_function<void()> task) {
  if (!thread_.joinable()) {
    task();
    return;
  }
  std::promise<void> done;
  boost::asio::post(context_, [&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace idnode
