// The admin listener over real sockets.
#include "resolver/app/admin.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

namespace idnode {
namespace {

using boost::asio::ip::tcp;

class AdminListener : public testing::Test {
 protected:
  void open(Admin::Bounds bounds = {}) {
    auto opened = Admin::open(
        {*parse_endpoint("127.0.0.1:0")},
        {{"/livez", [](const AdminRequest&) { return AdminAnswer{200, "text/plain", "ok\n"}; }},
         {"/readyz",
          [](const AdminRequest& r) {
            return AdminAnswer{503, "text/plain", has_query_flag(r.query, "verbose") ? "why\n" : "no\n"};
          }}},
        bounds);
    ASSERT_TRUE(opened.has_value()) << opened.error();
    admin_ = std::move(*opened);
  }
  tcp::socket connect() {
    tcp::socket socket(io_);
    socket.connect({boost::asio::ip::address_v4::loopback(), admin_->listening()[0].port});
    return socket;
  }
  std::string ask(const std::string& octets) {
    tcp::socket socket = connect();
    boost::system::error_code error;
    boost::asio::write(socket, boost::asio::buffer(octets), error);
    return rest(socket);
  }
  static std::string rest(tcp::socket& socket) {
    std::string answer;
    boost::system::error_code error;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
    return answer;
  }
  boost::asio::io_context io_;
  std::unique_ptr<Admin> admin_;
};

TEST_F(AdminListener, AnswersItsRoutes) {
  open();
  EXPECT_EQ(ask("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nCache-Control: no-store\r\n"
            "Connection: close\r\n\r\nok\n");
  EXPECT_TRUE(ask("GET /readyz HTTP/1.0\r\n\r\n").ends_with("\r\n\r\nno\n"));
  EXPECT_TRUE(ask("GET /readyz?verbose HTTP/1.1\r\n\r\n").ends_with("\r\n\r\nwhy\n"));
  EXPECT_TRUE(ask("HEAD /livez HTTP/1.1\r\n\r\n").ends_with("close\r\n\r\n"));
  EXPECT_TRUE(ask("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(ask("POST /livez HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(ask("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask("GET livez HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

TEST_F(AdminListener, TakesARequestInPieces) {
  open();
  tcp::socket socket = connect();
  for (const char c : std::string("GET /livez HTTP/1.1\r\n\r\n"))
    boost::asio::write(socket, boost::asio::buffer(&c, 1));
  EXPECT_TRUE(rest(socket).starts_with("HTTP/1.1 200 "));
}

TEST_F(AdminListener, BoundsTheHeader) {
  open();
  EXPECT_TRUE(ask("GET /livez HTTP/1.1\r\nX: " + std::string(8'300, 'x')).starts_with("HTTP/1.1 431 "));
}

TEST_F(AdminListener, CutsWhoSaysNothingAndServesOthersMeanwhile) {
  open({.connections = 2, .header_octets = 8'192, .seconds = 1});
  const auto start = std::chrono::steady_clock::now();
  tcp::socket silent = connect();
  EXPECT_TRUE(ask("GET /livez HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 "));
  tcp::socket another = connect();
  EXPECT_EQ(rest(silent), "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  // Both places were taken; the next one waits and is served.
  EXPECT_TRUE(ask("GET /livez HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_F(AdminListener, ABusyPortIsNamed) {
  open();
  auto again = Admin::open(admin_->listening(), {});
  ASSERT_FALSE(again.has_value());
  EXPECT_NE(again.error().find(to_text(admin_->listening()[0])), std::string::npos);
}

TEST(Query, Flags) {
  EXPECT_TRUE(has_query_flag("verbose", "verbose"));
  EXPECT_TRUE(has_query_flag("a=1&verbose=1", "verbose"));
  EXPECT_FALSE(has_query_flag("verbosely", "verbose"));
  EXPECT_FALSE(has_query_flag("", "verbose"));
}

}  // namespace
}  // namespace idnode
