#include "resolver/app/sdnotify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>

namespace idnode {
namespace {

// A socket as a service manager has it; `name` with '@' in front is abstract.
class Listener {
 public:
  explicit Listener(const std::string& name) : fd_(socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = 0;
    bound_ = bind(fd_, reinterpret_cast<sockaddr*>(&address),
                  static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) == 0;
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Listener() {
    close(fd_);
    unsetenv("NOTIFY_SOCKET");
  }
  std::string receive() {
    char buffer[512];
    const ssize_t n = recv(fd_, buffer, sizeof(buffer), MSG_DONTWAIT);
    return n < 0 ? "" : std::string(buffer, static_cast<std::size_t>(n));
  }
  bool bound() const { return bound_; }

 private:
  int fd_;
  bool bound_ = false;
};

TEST(SdNotify, NothingWithoutAManager) {
  unsetenv("NOTIFY_SOCKET");
  EXPECT_FALSE(notify_service_manager("READY=1"));
}

TEST(SdNotify, SpeaksToPathsAndAbstractNames) {
  const std::string path = "/tmp/idnode-notify-" + std::to_string(getpid());
  for (const std::string& name : {path, "@idnode-notify-" + std::to_string(getpid())}) {
    Listener listener(name);
    ASSERT_TRUE(listener.bound());
    EXPECT_TRUE(notify_service_manager("READY=1\nSTATUS=x"));
    EXPECT_EQ(listener.receive(), "READY=1\nSTATUS=x");
    EXPECT_TRUE(notify_reloading());
    EXPECT_TRUE(listener.receive().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  }
  unlink(path.c_str());
}

TEST(SdNotify, WatchdogIsForThisProcessOnly) {
  setenv("WATCHDOG_USEC", "10000000", 1);
  EXPECT_EQ(watchdog_interval(), std::chrono::milliseconds(5'000));
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(watchdog_interval(), std::nullopt);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  EXPECT_EQ(watchdog_interval(), std::chrono::milliseconds(5'000));
  setenv("WATCHDOG_USEC", "x", 1);
  EXPECT_EQ(watchdog_interval(), std::nullopt);
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
}

}  // namespace
}  // namespace idnode
