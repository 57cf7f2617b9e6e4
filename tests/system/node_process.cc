#include "tests/system/node_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace idnode {
namespace {

constexpr std::chrono::milliseconds kStartWait{60'000};
constexpr std::chrono::milliseconds kStopWait{15'000};

std::string program() {
  const char* build = std::getenv("IDNODE_BUILD");
  return std::string(build != nullptr ? build : IDNODE_BINARY_DIR) + "/idnode";
}

std::string make_folder() {
  std::string path = (std::filesystem::temp_directory_path() / "idnode-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) fail("no folder for temporary files");
  return path;
}

std::string in_quotes(std::string_view text) { return '"' + std::string(text) + '"'; }

// Only calls that are allowed between fork and exec.
[[noreturn]] void become(char* const* arguments, char* const* environment, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execve(arguments[0], arguments, environment);
  _exit(127);
}

std::vector<char*> pointers_of(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// `more` is added to this process's environment.
pid_t spawn(const std::vector<std::string>& arguments, const std::string& output,
            const std::map<std::string, std::string>& more = {}) {
  std::vector<std::string> environment;
  for (char** each = environ; *each != nullptr; ++each) environment.emplace_back(*each);
  for (const auto& [name, value] : more) environment.push_back(name + '=' + value);
  const std::vector<char*> argument_pointers = pointers_of(arguments);
  const std::vector<char*> environment_pointers = pointers_of(environment);
  const int fd = ::open(output.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_APPEND, 0600);
  if (fd < 0) fail(output + ": cannot be made");
  const pid_t pid = ::fork();
  if (pid == 0) become(argument_pointers.data(), environment_pointers.data(), fd);
  ::close(fd);
  if (pid < 0) fail("fork");
  return pid;
}

}  // namespace

void fail(const std::string& what) { throw std::runtime_error(what); }

void pause(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }

std::string toml_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& t : texts) out += (out.size() > 1 ? ", " : "") + in_quotes(t);
  return out + "]";
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

NodeProcess::NodeProcess(const std::vector<std::string>& prefixes, const ConfigTables& more)
    : folder_(make_folder()), config_(folder_ + "/idnode.toml") {
  const std::string administrator = prefixes.front() + "/ADMIN";
  ConfigTables tables = {
      {"node",
       {{"data", in_quotes("data")},
        {"prefixes", toml_list(prefixes)},
        {"administrators", toml_list({"300:" + administrator})},
        {"workers", "4"}}},
      {"listen",
       {{"handle", toml_list({"127.0.0.1:0"})}, {"http", "[]"}, {"admin", toml_list({"127.0.0.1:0"})}}},
      {"upstream", {{"servers", "[]"}}},
      {"log", {{"access", in_quotes("")}, {"format", in_quotes("text")}}}};
  for (const auto& [table, settings] : more)
    for (const auto& [name, value] : settings) tables[table][name] = value;
  const std::string& data = tables["node"]["data"];
  data_ = data.starts_with("\"/") ? data.substr(1, data.size() - 2) : folder_ + "/data";
  std::ofstream out(config_);
  for (const auto& [table, settings] : tables) {
    out << '[' << table << "]\n";
    for (const auto& [name, value] : settings) out << name << " = " << value << '\n';
  }
  out.close();
  const std::string output = folder_ + "/init.out";
  const pid_t pid = spawn({program(), "init", "--config", config_, "--key-out", folder_ + "/keys"}, output);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (status != 0) fail("idnode init: " + read_file(output));
  auto key = crypto::PrivateKey::from_pem(read_file(folder_ + "/keys/admin.pem"));
  if (!key) fail("admin.pem cannot be read");
  administrator_ = {.who = {.handle = administrator, .index = 300}, .key = std::move(*key), .secret = {}};
}

NodeProcess::NodeProcess(NodeProcess&& other) noexcept
    : folder_(std::move(other.folder_)),
      config_(std::move(other.config_)),
      data_(std::move(other.data_)),
      environment_(std::move(other.environment_)),
      pid_(std::exchange(other.pid_, -1)),
      handle_(other.handle_),
      admin_(other.admin_),
      administrator_(std::move(other.administrator_)) {
  other.folder_.clear();
}

NodeProcess::~NodeProcess() {
  kill();
  std::error_code ignored;
  if (!folder_.empty() && std::getenv("IDNODE_KEEP") == nullptr)
    std::filesystem::remove_all(folder_, ignored);
}

void NodeProcess::launch() {
  if (running()) fail("runs already");
  pid_ = spawn({program(), "--config", config_}, folder_ + "/node.out", environment_);
}

void NodeProcess::start() {
  launch();
  const auto ready = [&] {
    const std::string text = said();
    if (text.starts_with("READY") || text.find("\nREADY") != std::string::npos) return true;
    if (!running()) fail("the node did not start: " + said());
    return false;
  };
  wait_until(ready, kStartWait, "READY");
  read_listeners();
}

void NodeProcess::read_listeners() {
  const auto json = boost::json::parse(read_file(data() + "/listeners.json"));
  const auto first = [&](const char* name) {
    const auto endpoint = parse_endpoint(std::string_view(json.at(name).as_array().at(0).as_string()));
    if (!endpoint) fail("listeners.json: no endpoint");
    return *endpoint;
  };
  handle_ = first("handle");
  admin_ = first("admin");
}

std::string NodeProcess::said() const { return read_file(folder_ + "/node.out"); }

bool NodeProcess::running() { return pid_ > 0 && wait(std::chrono::milliseconds(0)) == -1; }

// The exit code once it has ended, 128 + signal; -1 while it runs.
int NodeProcess::wait(std::chrono::milliseconds most) {
  const auto end = std::chrono::steady_clock::now() + most;
  for (;;) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    if (std::chrono::steady_clock::now() >= end) return -1;
    pause(std::chrono::milliseconds(2));
  }
}

void NodeProcess::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
}

int NodeProcess::stop() {
  if (!running()) fail("does not run: " + said());
  ::kill(pid_, SIGTERM);
  return wait(kStopWait);
}

void NodeProcess::freeze() { ::kill(pid_, SIGSTOP); }
void NodeProcess::thaw() { ::kill(pid_, SIGCONT); }

Client NodeProcess::connect(const ClientOptions& options) const {
  auto client = Client::open(handle_, options);
  if (!client) fail("no connection to the node: " + std::string(name(client.error())));
  return std::move(*client);
}

std::string NodeProcess::page(std::string_view path) const {
  auto client = Client::open(admin_);
  if (!client) fail("no connection to the admin listener");
  if (!client->send_octets("GET " + std::string(path) +
                           " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
    fail("the admin listener takes no request");
  std::string all;
  char part[16'384];
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    const ssize_t n = ::recv(client->native(), part, sizeof part, 0);
    if (n == 0) return all;
    if (n > 0) all.append(part, static_cast<std::size_t>(n));
    if (n < 0) pause(std::chrono::milliseconds(1));
    if (std::chrono::steady_clock::now() > end) fail("the admin listener does not answer");
  }
}

double NodeProcess::metric(std::string_view name, const std::vector<std::string>& labels) const {
  std::istringstream lines(metrics());
  double sum = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name)) continue;
    const char after = line.size() > name.size() ? line[name.size()] : '\0';
    if (after != '{' && after != ' ') continue;
    bool all = true;
    for (const std::string& label : labels) all = all && line.find(label) != std::string::npos;
    if (all) sum += std::strtod(line.c_str() + line.rfind(' '), nullptr);
  }
  return sum;
}

}  // namespace idnode
