// Exchanges that do what the name in the request says, so that a test decides when each step ends. They stand
// in for resolver/logic where order, time and pressure are tested: real logic would make them depend on the
// disk. Linked instead of exchange.cc.
//
//   now/N    answered at once with N octets of data
//   read/MS  read pool, MS milliseconds
//   wait/X   read pool until open_gate(X); later requests may start
//   hold/X   crypto pool until open_gate(X); later requests of the connection wait
//   list/K   K messages of 1,000 octets (CN)
//   bye/X    answered at once, then the connection is closed
//   mute/X   no answer
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace idnode::test {

void open_gate(const std::string& name);
void close_gates();
// How many exchanges began since close_gates(); whether that many have begun within ten seconds.
std::uint64_t exchanges_begun();
bool wait_begun(std::uint64_t count);
// Names in the order in which their exchanges began, since the last call.
std::string take_begun();

}  // namespace idnode::test
