// idload: load generator, echo server and black-box check of an identifier node (`idload --help`).
#include <fmt/core.h>

#include <exception>

#include "bench/load/options.h"

namespace {

using namespace idnode::load;

int say(const Stop& stop) {
  if (stop.exit_code == kRight) {
    fmt::print("{}", stop.text);
  } else {
    fmt::print(stderr, "idload: {}\n", stop.text);
  }
  return stop.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  const Command command = parse_command({argv + 1, argv + argc});
  try {
    return std::visit(
        [](const auto& chosen) {
          if constexpr (std::is_same_v<std::decay_t<decltype(chosen)>, Stop>)
            return say(chosen);
          else
            return run(chosen);
        },
        command);
  } catch (const Stop& stop) {
    return say(stop);
  } catch (const std::exception& e) {
    return say({kUsage, e.what()});
  }
}
