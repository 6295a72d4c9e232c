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
#include <fstream>
#include <stdexcept>

#include "base/error.h"
#include "base/files.h"
#include "base/unique_fd.h"

namespace manhattan::tests {
namespace {

using Arguments = std::vector<std::string>;

/// Starts a program that dies with this process; its output goes to `output_path`.
pid_t start(const Arguments& arguments, const std::string& output_path,
            const std::string& input_path = "/dev/null") {
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(::open(input_path.c_str(), O_RDONLY | O_CLOEXEC), STDIN_FILENO);
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

void run(const Arguments& arguments, const std::string& output_path,
         const std::string& input_path = "/dev/null") {
  if (wait_for(start(arguments, output_path, input_path)) == 0) return;
  throw std::runtime_error(arguments.front() + " failed: " + base::read_file(output_path));
}

// What mariadb-install-db does, less the help texts and the sys schema, which take most of its
// time.
std::string system_tables() {
  const std::string debian_12 = "/usr/share/mysql/", later = "/usr/share/mariadb/";
  const auto folder = ::access(debian_12.c_str(), F_OK) == 0 ? debian_12 : later;
  return "CREATE DATABASE mysql;\nUSE mysql;\n" +
         base::read_file(folder + "mysql_system_tables.sql") +
         base::read_file(folder + "mysql_system_tables_data.sql");
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
  std::filesystem::create_directory(folder_ + "/data");
  std::ofstream(folder_ + "/system.sql") << system_tables();
  auto arguments = command();
  arguments.insert(arguments.end(), {"--bootstrap", "--innodb-flush-method=nosync"});
  run(arguments, folder_ + "/install.log", folder_ + "/system.sql");
  restart();
}

MariaDb::~MariaDb() {
  kill9();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::vector<std::string> MariaDb::command() const {
  Arguments arguments{"mariadbd", "--no-defaults", "--datadir=" + folder_ + "/data",
                      "--tmpdir=" + folder_ + "/tmp", "--skip-name-resolve",
                      "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=8M",
                      // What a killed process wrote is not lost: no commit waits for the disk.
                      "--innodb-flush-log-at-trx-commit=2"};
  if (::geteuid() == 0) arguments.push_back("--user=root");
  return arguments;
}

void MariaDb::restart(const std::vector<std::string>& options) {
  kill9();
  auto arguments = command();
  arguments.insert(arguments.end(),
                   {"--socket=" + socket_path(), "--pid-file=" + folder_ + "/pid",
                    "--log-error=" + folder_ + "/error.log", "--skip-networking",
                    "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin",
                    "--innodb-lock-wait-timeout=1"});
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

std::thread MariaDb::kill9_within(std::chrono::microseconds most, std::mt19937_64& random) {
  const auto after_us =
      static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most.count()));
  return std::thread([this, after_us] {
    std::this_thread::sleep_for(std::chrono::microseconds(after_us));
    kill9();
  });
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
