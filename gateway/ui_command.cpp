#include "gateway/ui_command.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "gateway/call_gateway.h"
#include "gateway/laptop_place.h"
#include "gateway/local_port.h"
#include "gateway/output_option.h"
#include "gateway/ui_server.h"
#include "protocol/json.h"
#include "protocol/printable.h"
#include "storage/fd.h"

extern char** environ;

namespace gateway {
namespace {

using protocol::json;

struct arguments {
    laptop_place remote;
    std::string port = "0", output = "text";
    bool no_browser = false;
};

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "delvegate: %s\n", protocol::printable(text).c_str());
    return code;
}

// A file of this user's alone that takes a browser to the link: an argument would show the link to everybody on this host.
class way_in {
public:
    explicit way_in(const std::string& link) {
        const char* const own = std::getenv("XDG_RUNTIME_DIR");
        std::error_code ec;
        const auto base = own && *own ? std::filesystem::path(own) : std::filesystem::temp_directory_path(ec);
        std::string pattern = (base / "delvegate-ui-XXXXXX.html").string();
        storage::unique_fd fd(::mkstemps(pattern.data(), 5));  // 0600 by itself
        if (!fd) return;
        file_ = pattern;
        const std::string page = "<!doctype html><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0;url=" + link + "\"><title>delvegate</title>\n";
        if (storage::write_all(fd.get(), page) != 0) remove();
    }
    ~way_in() { remove(); }
    way_in(const way_in&) = delete;
    way_in& operator=(const way_in&) = delete;

    const std::string& file() const { return file_; }
    void remove() {
        if (!file_.empty()) ::unlink(file_.c_str());
        file_.clear();
    }

private:
    std::string file_;
};

// The first of these that is there opens it. False: none is.
bool open_browser(const std::string& file) {
    for (const char* program : {"xdg-open", "open", "wslview"}) {
        char* const words[] = {const_cast<char*>(program), const_cast<char*>(file.c_str()), nullptr};
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
        // A browser that this starts is to outlive it, and Ctrl-C here.
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
        pid_t child = 0;
        const int failed = ::posix_spawnp(&child, program, &files, &attributes, words, environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&files);
        if (failed != 0) continue;
        std::thread([child] {
            while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
            }
        }).detach();
        return true;
    }
    return false;
}

int run(const arguments& a) {
    // What cannot work is said at once.
    https_question status;
    status.path = "/v1/components";
    status.method = "GET";
    const auto reply = call_gateway(a.remote, std::move(status));
    if (!reply) return complain(reply.error().text, reply.error().code == "unreachable" ? 1 : 2);
    if (reply->status != 200) {
        const auto said = protocol::parse_json(reply->body, {.max_depth = 8, .fold_keys = false});
        return complain(said ? std::string(said->get_string("error", "the gateway refused")) : "the gateway refused", 1);
    }
    const auto where = parse_listen_address("127.0.0.1:" + a.port);
    if (!where) return complain(where.error(), 2);
    boost::asio::io_context io(1);
    auto port = open_local_port(io.get_executor(), *where);
    if (!port) return complain(port.error(), 1);
    ui_server server(std::move(*port), [&](https_question question, ui_server::answered done) {
        return call_gateway(io, a.remote, std::move(question), [done = std::move(done)](const auto& answered) {
            if (answered) return done({});
            // To the page that is as the gateway's own refusal: there is nothing to be seen any more.
            if (answered.error().blame == auth::tls_blame::ours) return done({403, answered.error().text, "forbidden"});
            done({502, answered.error().text, "unreachable"});
        });
    });
    server.on_trouble = [](const std::string& line) { complain(line, 0); };
    boost::asio::signal_set signals(io, SIGINT, SIGTERM, SIGHUP);
    signals.async_wait([&](const boost::system::error_code& ec, int) {
        if (!ec) server.close();
    });
    const auto link = server.gate().link();
    say(a.output, link + "\nThe link works once, in a browser of yours on this host; the page is there until you end this (Ctrl-C).\n"
                        "If the browser shows no page, follow the link by hand.\n", json::object{{"url", link}});
    std::fflush(stdout);
    std::optional<way_in> way;
    if (!a.no_browser) {
        way.emplace(link);
        if (way->file().empty() || !open_browser(way->file())) complain("no browser was found (xdg-open, open, wslview); follow the link", 0);
    }
    io.run();
    return 0;
}

constexpr const char* footer = R"(
Shows the gateway's web page: components, who debugs them, batons, breakpoints,
stop budgets, and what you may do there. It is asked with your certificate, which
the browser does not need. Only your own processes on this host get anything from
the port, with the link that is printed, which works once.

Examples:
  delvegate ui
  delvegate ui --gateway node1.example:7443 --no-browser

Exit codes: 0 ended; 1 the gateway or the port is not to be had; 2 command line,
configuration or certificate.)";

}  // namespace

void add_ui_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* command = app.add_subcommand("ui", "Show the gateway's web page in the browser of this laptop");
    command->footer(footer);
    a->remote.add_options(*command);
    add_output_option(*command, a->output);
    command->add_option("--port", a->port, "Of 127.0.0.1; 0: a free one")->check(CLI::Range(0, 65535))->type_name("PORT")->capture_default_str();
    command->add_flag("--no-browser", a->no_browser, "Only print the link");
    command->callback([a, &exit_code] { exit_code = run(*a); });
}

}  // namespace gateway
