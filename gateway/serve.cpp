#include "gateway/serve.h"

#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

#include "auth/tls.h"
#include "gateway/endpoints.h"
#include "gateway/log.h"
#include "gateway/own_identities.h"
#include "gateway/state_directory.h"
#include "gateway/status_report.h"
#include "gateway/status_socket.h"
#include "gateway/tls_server.h"

namespace gateway {
namespace {

using protocol::json;

serve_exit complain(const std::string& text, serve_exit code = serve_exit::failed) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return code;
}

void prepare_process() {
    std::signal(SIGPIPE, SIG_IGN);
    rlimit limit{};
    // Keys are in this memory.
    if (::getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = 0;
        ::setrlimit(RLIMIT_CORE, &limit);
    }
    // The default of 1024 is fewer than limits.connections and dlv's own need together.
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

launcher::outcome<void> prepare_directories(config& configuration) {
    if (auto made = private_directory(configuration.state_directory); !made) return made;
    if (auto made = private_directory(configuration.state_directory + "/output"); !made) return made;
    // A program of another user reaches dlv's socket in a directory of its own below ours.
    bool others = false;
    for (const auto& one : configuration.components) others = others || !one.exec.user.empty();
    const mode_t mode = others ? 0711 : 0700;
    if (auto made = private_directory(configuration.runtime_directory, mode); !made) return made;
    for (auto& one : configuration.components) {
        one.exec.name = one.name;
        one.exec.runtime_directory = configuration.runtime_directory;
        one.exec.output_file = configuration.state_directory + "/output/" + one.name + ".log";
    }
    return {};
}

// A running gateway; its members die in the order that their references allow.
class gateway_process {
public:
    explicit gateway_process(config& configuration)
        : configuration_(configuration),
          components_(io_, configuration, counts_.limit_reply),
          signals_(io_, SIGTERM, SIGINT),
          hangup_(io_, SIGHUP) {}

    launcher::outcome<void> start(auth::ssl_ctx context) {
        for (const auto& one : configuration_.components) parts_.names.push_back(one.name);
        parts_.api = [this](const auth::identity& who, std::string_view path) { return api(who, path); };
        server_.emplace(parts_, std::move(context));
        if (auto opened = status_.open(configuration_.runtime_directory); !opened) return opened;
        if (auto listening = server_->listen(configuration_.listen); !listening) return listening;
        components_.start();
        wait_for_signal();
        wait_for_hangup();
        return {};
    }

    serve_exit run() {
        io_.run();
        server_.reset();
        return code_;
    }

    std::vector<host_port> addresses() const {
        std::vector<host_port> out;
        for (const auto& one : server_->addresses()) out.push_back({one.address().to_string(), one.port()});
        return out;
    }

private:
    void wait_for_signal() {
        signals_.async_wait([this](const boost::system::error_code& ec, int number) {
            if (ec) return;
            if (parts_.draining) {
                log().warn("a second signal: ending at once");
                code_ = serve_exit::failed;
                return io_.stop();
            }
            log().info("signal {}: draining, {} connections, at most {}", number, server_->connections(),
                       format_duration(parts_.bounds.drain_time));
            server_->drain([this] {
                components_.stop([this] {
                    log().info("drained");
                    io_.stop();
                });
            });
            wait_for_signal();
        });
    }

    void wait_for_hangup() {
        hangup_.async_wait([this](const boost::system::error_code& ec, int) {
            if (ec) return;
            log().info("SIGHUP: starting the components whose dlv is not there");
            if (!parts_.draining) components_.start_again();
            wait_for_hangup();
        });
    }

    http_answer report(std::string_view path) const {
        if (path != "/v1/status") return {404, http_error("there is /v1/status")};
        return {200, protocol::to_text(status_report(parts_, *server_, since_, components_.status()))};
    }

    std::string api(const auth::identity& who, std::string_view path) const {
        json body;
        if (path == "/v1/status") {
            body.set("version", DELVEGATE_VERSION);
            body.set("components", components_.status(who));
            return protocol::to_text(body);
        }
        if (path != "/v1/components") return {};
        json::array all;
        for (const auto& one : components_.list(who))
            all.push_back(json::object{{"name", one.name}, {"state", one.state}, {"detail", one.detail}});
        body.set("components", std::move(all));
        return protocol::to_text(body);
    }

    config& configuration_;
    boost::asio::io_context io_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};  // one thread: no locks around sockets
    counters counts_;
    endpoints components_;
    gateway_parts parts_{io_, components_, configuration_.bounds, counts_, {}, {}, false};
    std::optional<tls_server> server_;
    status_socket status_{io_, [this](std::string_view path) { return report(path); }};
    boost::asio::signal_set signals_, hangup_;
    const std::chrono::system_clock::time_point since_ = std::chrono::system_clock::now();
    serve_exit code_ = serve_exit::ok;
};

std::string quoted(const std::string& path) {
    if (path.find_first_of(" \t'\"\\$`&;()<>|*?") == std::string::npos) return path;
    std::string out = "'";
    for (const char c : path) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

// How a laptop that has nothing yet gets in.
void print_introduction(const config& configuration, const own_identities& own, const std::vector<host_port>& listening) {
    if (own.people.empty() || listening.empty()) return;
    const std::string host = host_to_type(listening);
    const std::string& person = own.people.front();
    const std::string& component = configuration.components.front().name;
    const std::string gateway = to_string(host_port{host, listening.front().port});
    if (host == "localhost" || host == "::1" || host.starts_with("127.")) {
        std::printf("To debug from this host (no other one can reach it), type:\n"
                    "  delvegate connect %s --gateway %s --identity %s\n",
                    component.c_str(), gateway.c_str(), quoted(person).c_str());
        return;
    }
    const char* user = std::getenv("USER");
    const std::string scp_host = host.find(':') == std::string::npos ? host : "[" + host + "]";
    const std::string login = (user && *user ? std::string(user) + "@" : "") + scp_host;
    std::printf(
        "On the laptop, once (it holds a private key; keep it to yourself):\n"
        "  scp -r %s:%s delvegate-identity\n"
        "Then type there:\n"
        "  delvegate connect %s --gateway %s --identity delvegate-identity\n",
        login.c_str(), quoted(person).c_str(), component.c_str(), gateway.c_str());
}

}  // namespace

std::string component_name_of(const std::string& program) {
    std::string name;
    for (char c : program.substr(program.rfind('/') + 1)) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (good)
            name += c;
        else if (!name.empty() && name.back() != '-')
            name += '-';
    }
    name.resize(std::min<std::size_t>(name.size(), 63));
    while (!name.empty() && name.back() == '-') name.pop_back();
    return name.empty() ? "program" : name;
}

serve_exit run_serve(config configuration) {
    set_up_log(configuration.log_level, configuration.log_format);
    prepare_process();
    if (auto prepared = prepare_directories(configuration); !prepared) return complain(prepared.error());
    const auto lock = state_lock::take(configuration.state_directory);
    if (!lock) return complain(lock.error());

    own_identities own;
    auth::tls_files files{configuration.certificate, configuration.key, configuration.client_ca};
    if (files.certificate.empty()) {
        auto made = make_own_identities(configuration.state_directory, configuration.components, configuration.listen);
        if (!made) return complain(made.error());
        own = std::move(*made);
        files = {own.certificate, own.key, own.ca};
    }
    auto context = auth::make_server_context(files);
    if (!context) return complain(context.error());
    for (const auto& one : configuration.components)
        if (one.users.empty() && one.groups.empty())
            log().warn("component {}: neither users nor groups are listed, so nobody is admitted", one.name);

    gateway_process process(configuration);
    if (auto started = process.start(std::move(*context)); !started) return complain(started.error());
    const auto listening = process.addresses();
    std::string where;
    for (const auto& one : listening) where += (where.empty() ? "" : ", ") + to_string(one);
    std::printf("delvegate " DELVEGATE_VERSION " listening on %s\n", where.c_str());
    print_introduction(configuration, own, listening);
    std::fflush(stdout);
    return process.run();
}

}  // namespace gateway
