#include "resolver/net/attempt.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>

namespace idnode {

namespace asio = boost::asio;

Now wall_and_steady() {
  using namespace std::chrono;
  return {
      static_cast<std::uint64_t>(duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()),
      static_cast<std::uint64_t>(
          duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count())};
}

asio::ip::address to_asio(const Address& address) {
  if (address.is_v4()) {
    asio::ip::address_v4::bytes_type v4;
    std::copy_n(address.octets.begin() + 12, 4, v4.begin());
    return asio::ip::address_v4(v4);
  }
  asio::ip::address_v6::bytes_type v6;
  std::copy(address.octets.begin(), address.octets.end(), v6.begin());
  return asio::ip::address_v6(v6);
}

bool is_local_lack(const boost::system::error_code& ec) {
  return ec == asio::error::no_descriptors || ec == asio::error::no_buffer_space ||
         ec == asio::error::no_memory || ec == boost::system::errc::too_many_files_open_in_system ||
         ec == boost::system::errc::address_not_available;
}

}  // namespace idnode
