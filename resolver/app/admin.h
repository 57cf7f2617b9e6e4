// The admin listener: a few small documents over HTTP for probes and Prometheus, on a thread of its own.
// Every request gets one answer and the connection is closed; connections, octets and times are bounded.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/address.h"

namespace idnode {

struct AdminRequest {
  std::string method;  // GET or HEAD
  std::string path;    // "/readyz"
  std::string query;   // "verbose"; empty without
};

struct AdminAnswer {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

// Whether a query such as "a=1&verbose" holds the flag.
bool has_query_flag(std::string_view query, std::string_view flag);

class Admin {
 public:
  struct Route {
    std::string path;
    std::function<AdminAnswer(const AdminRequest&)> answer;  // admin thread; may take milliseconds
  };
  struct Bounds {
    std::size_t connections = 64;  // more wait in the listen queue
    std::size_t header_octets = 8'192;
    std::uint32_t seconds = 5;  // for a request and its answer
  };

  // Opens every listener; a failure is one line that names the address.
  static std::expected<std::unique_ptr<Admin>, std::string> open(const std::vector<Endpoint>& listen,
                                                                 std::vector<Route> routes,
                                                                 const Bounds& bounds);
  static std::expected<std::unique_ptr<Admin>, std::string> open(const std::vector<Endpoint>& listen,
                                                                 std::vector<Route> routes) {
    return open(listen, std::move(routes), Bounds{});
  }
  // Stops the thread and closes everything.
  ~Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  // With the ports that were taken for port 0.
  const std::vector<Endpoint>& listening() const;

 private:
  struct Core;
  explicit Admin(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace idnode
