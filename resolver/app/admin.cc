#include "resolver/app/admin.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstring>
#include <thread>

namespace idnode {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

// An address that refuses descriptors for a while must not turn the thread into a busy loop.
constexpr std::chrono::milliseconds kAcceptPause{200};

tcp::endpoint to_asio(const Endpoint& endpoint) {
  asio::ip::address_v6::bytes_type octets;
  std::memcpy(octets.data(), endpoint.address.octets.data(), octets.size());
  const asio::ip::address_v6 address(octets);
  if (endpoint.address.is_v4()) {
    return {asio::ip::make_address_v4(asio::ip::v4_mapped, address), endpoint.port};
  }
  return {address, endpoint.port};
}

std::string_view reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 431: return "Request Header Fields Too Large";
    case 503: return "Service Unavailable";
    default: return "Error";
  }
}

// "GET /readyz?verbose HTTP/1.1"; false when it is not such a line.
bool parse_request_line(std::string_view head, AdminRequest& request) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last <= first || !line.substr(last).starts_with(" HTTP/1."))
    return false;
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (target.empty() || target.front() != '/' || target.find(' ') != std::string_view::npos) return false;
  const std::size_t mark = std::min(target.find('?'), target.size());
  request.method = line.substr(0, first);
  request.path = target.substr(0, mark);
  request.query = target.substr(std::min(mark + 1, target.size()));
  return true;
}

std::string render(const AdminAnswer& answer, bool with_body) {
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n{}Connection: "
      "close\r\n\r\n",
      answer.status, reason(answer.status), answer.type, answer.body.size(),
      answer.status == 405 ? "Allow: GET, HEAD\r\n" : "");
  if (with_body) out += answer.body;
  return out;
}

}  // namespace

bool has_query_flag(std::string_view query, std::string_view flag) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    if (part.substr(0, part.find('=')) == flag) return true;
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return false;
}

struct Admin::Core {
  asio::io_context io{1};
  std::vector<tcp::acceptor> acceptors;
  std::vector<Endpoint> listening;
  std::vector<Route> routes;
  Bounds bounds;
  std::size_t connections = 0;  // thread only
  std::thread thread;

  AdminAnswer answer(const AdminRequest& request) const {
    if (request.method != "GET" && request.method != "HEAD")
      return {405, "text/plain", "only GET and HEAD\n"};
    for (const Route& route : routes) {
      if (route.path == request.path) return route.answer(request);
    }
    return {404, "text/plain", "not here\n"};
  }

  asio::awaitable<void> accept(tcp::acceptor& acceptor) {
    asio::steady_timer pause(io);
    for (;;) {
      while (connections >= bounds.connections) {
        pause.expires_after(kAcceptPause);
        ErrorCode ignored;
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      }
      ErrorCode error;
      tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::operation_aborted) co_return;
      if (error) {
        pause.expires_after(kAcceptPause);
        ErrorCode ignored;
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        continue;
      }
      ++connections;
      asio::co_spawn(io, serve(std::make_shared<tcp::socket>(std::move(socket))), asio::detached);
    }
  }

  asio::awaitable<void> serve(std::shared_ptr<tcp::socket> socket) {
    // The timer may fire after this coroutine's end, hence the shared socket.
    asio::steady_timer deadline(io, std::chrono::seconds(bounds.seconds));
    deadline.async_wait([socket](const ErrorCode& error) {
      ErrorCode ignored;
      if (!error) socket->close(ignored);
    });
    std::string head;
    const ErrorCode error = co_await read_head(*socket, head);
    if (!error) {
      AdminRequest request;
      AdminAnswer out;
      if (head.size() > bounds.header_octets) {
        out = {431, "text/plain", "header too large\n"};
      } else if (!parse_request_line(head, request)) {
        out = {400, "text/plain", "not an HTTP/1.1 request\n"};
      } else {
        out = answer(request);
      }
      const std::string octets = render(out, request.method != "HEAD");
      ErrorCode ignored;
      co_await asio::async_write(*socket, asio::buffer(octets),
                                 asio::redirect_error(asio::use_awaitable, ignored));
      socket->shutdown(tcp::socket::shutdown_both, ignored);
    }
    deadline.cancel();
    --connections;
  }

  // Until the empty line, or past the bound.
  asio::awaitable<ErrorCode> read_head(tcp::socket& socket, std::string& head) const {
    std::array<char, 2'048> part;
    while (head.size() <= bounds.header_octets && head.find("\r\n\r\n") == std::string::npos) {
      ErrorCode error;
      const std::size_t n = co_await socket.async_read_some(asio::buffer(part),
                                                            asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return error;
      head.append(part.data(), n);
    }
    co_return ErrorCode{};
  }
};

std::expected<std::unique_ptr<Admin>, std::string> Admin::open(const std::vector<Endpoint>& listen,
                                                               std::vector<Route> routes,
                                                               const Bounds& bounds) {
  auto core = std::make_unique<Core>();
  core->routes = std::move(routes);
  core->bounds = bounds;
  for (const Endpoint& endpoint : listen) {
    const tcp::endpoint address = to_asio(endpoint);
    tcp::acceptor acceptor(core->io);
    ErrorCode error;
    acceptor.open(address.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && address.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
    if (!error) acceptor.bind(address, error);
    if (!error) acceptor.listen(128, error);
    if (error) {
      return std::unexpected(to_text(endpoint) + " (admin) cannot be opened: " + error.message() +
                             "; free the port or change [listen] admin");
    }
    Endpoint taken = endpoint;
    taken.port = acceptor.local_endpoint().port();
    core->listening.push_back(taken);
    core->acceptors.push_back(std::move(acceptor));
  }
  return std::unique_ptr<Admin>(new Admin(std::move(core)));
}

Admin::Admin(std::unique_ptr<Core> core) : core_(std::move(core)) {
  for (tcp::acceptor& acceptor : core_->acceptors) {
    asio::co_spawn(core_->io, core_->accept(acceptor), asio::detached);
  }
  core_->thread = std::thread([core = core_.get()] { core->io.run(); });
}

Admin::~Admin() {
  core_->io.stop();
  core_->thread.join();
}

const std::vector<Endpoint>& Admin::listening() const { return core_->listening; }

}  // namespace idnode
