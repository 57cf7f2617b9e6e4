// What the command line of idload may say. Reading it touches nothing outside.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "protocol/address.h"

namespace idnode::load {

enum Exit : int { kRight = 0, kWrong = 1, kUsage = 2, kUnreachable = 3 };

// Ends the program with one line on stderr and the exit code. Before a run begins, and when it cannot go on.
struct Stop {
  int exit_code;
  std::string text;
};

// Which identifiers: those of a file, or a pattern with a number in braces as fmt writes it.
struct NameOptions {
  std::string ids;
  std::string pattern;
  std::uint64_t keys = 0;
  std::uint64_t first = 0;  // number of the first
};

struct ResolveOptions {
  Endpoint target;
  bool udp = false;
  bool dns = false;  // DNS queries for TXT instead of resolutions: for the peers that bench/compare measures
  NameOptions names;
  double zipf = 0;  // 0: uniform
  unsigned connections = 1;
  unsigned depth = 1;
  double rate = 0;  // requests a second; 0: closed loop
  double seconds = 5;
  double warmup = 0.3;
  unsigned sources = 0;  // 0: the kernel chooses
  Address first_source;  // the others follow
  bool verify_sources = false;
  bool spin = false;  // polls for answers, so that the server never pays for waking the load
  std::uint32_t code = 1;
  std::uint32_t values = 0;  // 0: any number but none
  std::uint64_t seed = 1;
  std::vector<pid_t> watch;
  bool json = false;
};

struct EchoOptions {
  Endpoint listen;
  bool udp = false;
  unsigned answer_bytes = 0;  // 0: as many as came
};

struct RegisterOptions {
  Endpoint target;
  std::string as;
  std::string key;
  NameOptions names;
  unsigned connections = 1;
  unsigned depth = 8;
  bool together = false;  // the answers of all connections are sent at once
  std::vector<pid_t> watch;
  bool json = false;
};

struct FillOptions {
  std::string config;
  NameOptions names;
  bool json = false;
};

struct ConformOptions {
  Endpoint target;
  std::string known;
  double timeout = 2;
  bool json = false;
};

using Command = std::variant<Stop, ResolveOptions, EchoOptions, RegisterOptions, FillOptions, ConformOptions>;

// `arguments` without the program's name. Stop with exit code 0 holds a help text, with kUsage what is wrong.
Command parse_command(const std::vector<std::string>& arguments);

// Each runs one command; the exit code.
int run(const ResolveOptions& options);
int run(const EchoOptions& options);
int run(const RegisterOptions& options);
int run(const FillOptions& options);
int run(const ConformOptions& options);

}  // namespace idnode::load
