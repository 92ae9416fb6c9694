#include "fixture.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "launcher/dlv_version.h"
#include "launcher/fd.h"

namespace launcher_test {

namespace fs = std::filesystem;
using launcher::dlv_process;
using launcher::unique_fd;

namespace {

std::string setting(const char* variable, std::initializer_list<std::string> candidates) {
    if (const char* value = std::getenv(variable); value != nullptr && *value != '\0') return value;
    for (const auto& candidate : candidates)
        if (const auto path = launcher::find_dlv(candidate)) return *path;  // looks any program up
    throw std::runtime_error(std::string(variable) +
                             " is not set and no candidate was found: run ./scripts/install-deps");
}

std::string home() {
    const char* value = std::getenv("HOME");
    return value != nullptr ? value : "/root";
}

std::string quoted(const std::string& text) { return "'" + text + "'"; }

unique_fd connect_to(const launcher::dlv_address& address) {
    if (address.how == launcher::dlv_address::kind::unix_socket) {
        unique_fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        std::strncpy(to.sun_path, address.path.c_str(), sizeof to.sun_path - 1);
        if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
            return unique_fd();
        return fd;
    }
    addrinfo numeric{};
    numeric.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    numeric.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &numeric, &found) != 0)
        return unique_fd();
    unique_fd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const bool connected = ::connect(fd.get(), found->ai_addr, found->ai_addrlen) == 0;
    ::freeaddrinfo(found);
    if (!connected) return unique_fd();
    return fd;
}

std::string request(const std::string& method, const std::string& params) {
    return R"({"method":"RPCServer.)" + method + R"(","params":[)" + params + R"(],"id":1})";
}

}  // namespace

std::string cache_directory() {
    const char* value = std::getenv("DELVEGATE_TEST_CACHE");
    const auto path =
        value != nullptr && *value != '\0'
            ? std::string(value)
            : (fs::temp_directory_path() / ("delvegate-tests-" + std::to_string(::getuid())))
                  .string();
    fs::create_directories(path);
    return path;
}

toolchain new_tools() {
    return {setting("DELVEGATE_DLV_NEW", {"dlv", home() + "/go/bin/dlv"}),
            setting("DELVEGATE_GO", {"go", "/usr/local/go/bin/go"}), true};
}

toolchain old_tools() {
    return {setting("DELVEGATE_DLV_OLD", {"/usr/bin/dlv"}),
            setting("DELVEGATE_GO_OLD", {"/usr/lib/go-1.19/bin/go"}), false};
}

std::string family(const toolchain& tools, build how) {
    const std::string source =
        std::string(DELVEGATE_SOURCE_DIR) + "/tests/support/debuggees/family/main.go";
    const auto identity =
        std::hash<std::string>()(text_of(source) + tools.go) ^ (how == build::stripped ? 1u : 0u);
    const auto target = cache_directory() + "/family-" + std::to_string(identity);
    const unique_fd lock(::open((target + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ::flock(lock.get(), LOCK_EX);
    if (fs::exists(target)) return target;
    const char* cache = std::getenv("GOCACHE");
    const auto command =
        "GOFLAGS= GOWORK=off GO111MODULE=off CGO_ENABLED=0 GOTOOLCHAIN=local GOCACHE=" +
        quoted(cache != nullptr ? cache : cache_directory() + "/go-build") + " " +
        quoted(tools.go) + " build " +
        (how == build::stripped ? "-ldflags '-s -w'" : "-gcflags 'all=-N -l'") + " -o " +
        quoted(target + ".new") + " " + quoted(source);
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
    fs::permissions(target + ".new", fs::perms(0755));
    fs::rename(target + ".new", target);
    return target;
}

bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        ::poll(nullptr, 0, 5);
    }
    return true;
}

bool is_gone(pid_t pid) {
    launcher::process_stat stat;
    return !launcher::read_stat(pid, stat);
}

std::vector<pid_t> children_of(pid_t pid) {
    std::vector<pid_t> result;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const auto name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        launcher::process_stat stat;
        const auto candidate = static_cast<pid_t>(std::stol(name));
        if (launcher::read_stat(candidate, stat) && stat.parent == pid) result.push_back(candidate);
    }
    return result;
}

std::string link_of(const std::string& path) {
    std::error_code error;
    return fs::read_symlink(path, error).string();
}

std::string text_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string proc(pid_t pid, const std::string& name) {
    return "/proc/" + std::to_string(pid) + "/" + name;
}

std::string ask(const launcher::dlv_address& address, const std::string& method,
                const std::string& params) {
    const auto fd = connect_to(address);
    const auto text = request(method, params);
    if (!fd || ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) !=
                   static_cast<ssize_t>(text.size()))
        return {};
    std::string reply;
    char chunk[4096];
    while (reply.find('\n') == std::string::npos) {
        const auto n = ::recv(fd.get(), chunk, sizeof chunk, 0);
        if (n <= 0) return {};
        reply.append(chunk, static_cast<std::size_t>(n));
    }
    return reply;
}

void send_continue(const launcher::dlv_address& address) {
    const auto fd = connect_to(address);
    const auto text = request("Command", R"({"name":"continue"})");
    ASSERT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
    // A client that leaves while the program runs leaves it running (dlv is told to be
    // multi-client).
    ASSERT_TRUE(eventually([&] {
        return ask(address, "State", R"({"NonBlocking":true})").find(R"("Running":true)") !=
               std::string::npos;
    }));
}

void launched::SetUp() {
    std::string name = testing::TempDir() + "launcher-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    name_ = fs::path(name).filename().string();
    fs::create_directory(directory_ + "/run");
    fs::permissions(directory_ + "/run", fs::perms(0700));
    // What a test orphans by killing its parent comes to us, not to a process 1 that may not reap.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
}

void launched::TearDown() {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

launcher::exec_spec launched::spec(const toolchain& tools, std::vector<std::string> args) {
    launcher::exec_spec result;
    result.name = name_;
    result.binary = family(tools);
    result.args = std::move(args);
    result.dlv = tools.dlv;
    result.runtime_directory = directory_ + "/run";
    result.output_file = directory_ + "/output.log";
    return result;
}

dlv_process::events launched::await_event(dlv_process& dlv) {
    pollfd waiting{dlv.event_fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&waiting, 1, 60000), 1) << "the supervisor says nothing";
    return dlv.poll_events();
}

void launched::await_ready(dlv_process& dlv) {
    for (;;) {
        const auto events = await_event(dlv);
        ASSERT_FALSE(events.exited) << events.exited->reason;
        if (events.announced) break;
    }
    ASSERT_NE(ask(dlv.address(), "ProcessPid"), "") << "dlv ended, or does not answer";
}

dlv_process::exit_info launched::await_exit(dlv_process& dlv) {
    for (;;) {
        auto events = await_event(dlv);
        if (events.exited) return *events.exited;
        if (testing::Test::HasFailure()) return {};
    }
}

pid_t launched::debuggee_of(dlv_process& dlv) {
    const auto reply = ask(dlv.address(), "ProcessPid");
    const auto at = reply.find("\"Pid\":");
    return at == std::string::npos ? -1 : static_cast<pid_t>(std::atoi(reply.c_str() + at + 6));
}

void launched::expect_no_traces() const {
    EXPECT_TRUE(fs::is_empty(directory_ + "/run")) << "a socket's directory is left";
    std::error_code error;
    for (fs::recursive_directory_iterator
             it("/sys/fs/cgroup", fs::directory_options::skip_permission_denied, error),
         end;
         it != end; it.increment(error)) {
        if (error) break;
        EXPECT_EQ(it->path().filename().string().find(name_), std::string::npos) << it->path();
        if (!it->is_directory(error)) it.disable_recursion_pending();
    }
}

std::string in_child(const std::function<void(int fd)>& body) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close(ends[0]);
        try {
            body(ends[1]);
        } catch (const std::exception& e) {
            ::dprintf(ends[1], "exception: %s", e.what());
        }
        ::_exit(0);
    }
    ::close(ends[1]);
    const unique_fd from(ends[0]);
    std::string text;
    char chunk[4096];
    for (ssize_t n = 0; (n = ::read(from.get(), chunk, sizeof chunk)) > 0;)
        text.append(chunk, static_cast<std::size_t>(n));
    ::waitpid(pid, nullptr, 0);
    return text;
}

}  // namespace launcher_test
