// SPDX-License-Identifier: MIT
#include "tests/support/mariadb.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "base/error.h"
#include "base/files.h"
#include "base/unique_fd.h"

namespace manhattan::tests {
namespace {

using Arguments = std::vector<std::string>;

/// Starts a program that dies with this process; its output goes to `output_path`.
pid_t start(const Arguments& arguments, const std::string& output_path) {
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int output = ::open(output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  const char* path = std::getenv("PATH");
  ::setenv("PATH", (std::string(path == nullptr ? "" : path) + ":/usr/sbin").c_str(), 1);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

void run(const Arguments& arguments, const std::string& output_path) {
  if (wait_for(start(arguments, output_path)) == 0) return;
  throw std::runtime_error(arguments.front() + " failed: " + base::read_file(output_path));
}

/// Where the server says that it is ready, as it would to systemd.
class ReadySocket {
 public:
  explicit ReadySocket(const std::string& path)
      : path_(path), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const timeval limit{60, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw IoError("bind", path, last_error());
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~ReadySocket() {
    ::unsetenv("NOTIFY_SOCKET");
    ::unlink(path_.c_str());
  }

  /// False where nothing came in a minute.
  bool wait() {
    char message[512];
    for (;;) {
      const auto size = ::recv(fd_.get(), message, sizeof message, 0);
      if (size < 0) return false;
      const std::string_view text(message, static_cast<std::size_t>(size));
      if (text.find("READY=1") != std::string_view::npos) return true;
    }
  }

 private:
  std::string path_;
  base::UniqueFd fd_;
};

}  // namespace

MariaDb& MariaDb::instance() {
  static MariaDb server;
  return server;
}

MariaDb::MariaDb() {
  char folder[] = "/tmp/manhattan-db-XXXXXX";  // short: a socket's path ends at 107 bytes
  if (::mkdtemp(folder) == nullptr) throw IoError("make", folder, last_error());
  folder_ = folder;
  std::filesystem::create_directory(folder_ + "/tmp");
  run({"mariadb-install-db", "--no-defaults", "--force", "--datadir=" + folder_ + "/data",
       "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve",
       "--innodb-log-file-size=8M"},
      folder_ + "/install.log");
  restart();
}

MariaDb::~MariaDb() {
  kill9();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void MariaDb::restart(const std::vector<std::string>& options) {
  kill9();
  Arguments arguments{"mariadbd",
                      "--no-defaults",
                      "--datadir=" + folder_ + "/data",
                      "--socket=" + socket_path(),
                      "--pid-file=" + folder_ + "/pid",
                      "--log-error=" + folder_ + "/error.log",
                      "--tmpdir=" + folder_ + "/tmp",
                      "--skip-networking",
                      "--skip-name-resolve",
                      "--character-set-server=utf8mb4",
                      "--collation-server=utf8mb4_bin",
                      "--innodb-buffer-pool-size=64M",
                      "--innodb-lock-wait-timeout=1"};
  if (::geteuid() == 0) arguments.push_back("--user=root");
  arguments.insert(arguments.end(), options.begin(), options.end());
  ReadySocket ready(folder_ + "/ready");
  server_ = start(arguments, folder_ + "/output.log");
  if (ready.wait()) return;
  throw std::runtime_error("mariadbd did not start: " + base::read_file(folder_ + "/error.log"));
}

void MariaDb::kill9() {
  if (server_ == 0) return;
  ::kill(server_, SIGKILL);
  wait_for(server_);
  server_ = 0;
}

void MariaDb::execute(const std::string& sql) {
  run({"mariadb", "--no-defaults", "-uroot", "-S" + socket_path(), "-e", sql},
      folder_ + "/client.log");
}

std::string MariaDb::new_database() {
  const auto name = "d" + std::to_string(++databases_);
  execute("CREATE DATABASE " + name);
  return url("root", name);
}

std::string MariaDb::url(const std::string& login, const std::string& database,
                         const std::string& parameters) const {
  return "mysql://" + login + "@localhost/" + database + "?unix_socket=" + socket_path() +
         parameters;
}

}  // namespace manhattan::tests
