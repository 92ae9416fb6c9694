#include "gateway/ask_gateway.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <charconv>
#include <thread>

#include "gateway/config.h"
#include "gateway/status_socket.h"

namespace gateway {

void gateway_place::add_options(CLI::App& command) {
    [[maybe_unused]] auto* directory =
        command.add_option("--runtime-directory", runtime_directory, "The gateway's runtime directory")->type_name("DIR");
#ifndef DELVEGATE_CLIENT_ONLY  // which reads no configuration of a gateway's
    command.add_option("--config", config_file, "The configuration the gateway runs with")->type_name("FILE")->excludes(directory);
#endif
}

launcher::outcome<std::string> gateway_place::directory() const {
    using result = launcher::outcome<std::string>;
    if (config_file.empty() && !runtime_directory.empty()) return result(boost::system::in_place_value, runtime_directory);
    if (config_file.empty()) {
        const std::string directory = default_runtime_directory();
        // Next, as the unit that is shipped has it, below a directory that stays root's; and at last root's `serve --exec`.
        for (const std::string& one : {directory, directory + "/gateway", exec_runtime_directory()})
            if (::access(status_socket_path(one).c_str(), F_OK) == 0) return result(boost::system::in_place_value, one);
        return result(boost::system::in_place_value, directory);
    }
#ifndef DELVEGATE_CLIENT_ONLY
    auto configuration = read_config(config_file);
    if (!configuration) return result(boost::system::in_place_error, configuration.error());
    return result(boost::system::in_place_value, configuration->runtime_directory);
#else
    return result(boost::system::in_place_error, "this build reads no configuration of a gateway's");
#endif
}

namespace {

using boost::asio::local::stream_protocol;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds between_tries{20};

// A gateway that hangs takes nobody from its queue, which is full after a while: then connecting itself would block.
boost::system::error_code connect(stream_protocol::socket& socket, const stream_protocol::endpoint& where, steady_clock::time_point end) {
    boost::system::error_code ec;
    socket.open(where.protocol(), ec);
    if (!ec) socket.native_non_blocking(true, ec);
    while (!ec) {
        if (::connect(socket.native_handle(), where.data(), static_cast<socklen_t>(where.size())) == 0) return {};
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return {errno, boost::system::system_category()};
        if (steady_clock::now() >= end) return boost::asio::error::timed_out;
        std::this_thread::sleep_for(between_tries);
    }
    return ec;
}

#ifdef __linux__
pid_t peer_of(int fd) {
    ucred who{};
    socklen_t size = sizeof who;
    return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 ? who.pid : 0;
}
#else
pid_t peer_of(int) { return 0; }
#endif

}  // namespace

launcher::outcome<gateway_answer> ask_gateway(const std::string& runtime_directory, std::string_view path, std::string_view body,
                                              std::chrono::milliseconds time) {
    using result = launcher::outcome<gateway_answer>;
    const auto failed = [](std::string text) { return result(boost::system::in_place_error, std::move(text)); };
    const std::string where = status_socket_path(runtime_directory);
    const auto silent = [&] {
        return failed("the gateway at " + where + " does not answer within " +
                      std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) +
                      " s: it hangs, or is stopped; look at `journalctl -u delvegate`, and `systemctl restart delvegate` starts it anew");
    };
    const auto end = steady_clock::now() + time;
    boost::asio::io_context io;
    stream_protocol::socket socket(io);
    boost::system::error_code ec = connect(socket, stream_protocol::endpoint(where), end);
    if (ec == boost::asio::error::timed_out) return silent();
    if (ec == boost::system::errc::no_such_file_or_directory || ec == boost::asio::error::connection_refused)
        return failed("no gateway answers at " + where +
                      "; is `delvegate serve` running, as this user? (--config or --runtime-directory choose another)");
    if (ec) return failed("cannot ask the gateway at " + where + ": " + ec.message());
    gateway_answer answer;
    answer.gateway = peer_of(socket.native_handle());
    std::string request = body.empty() ? "GET " : "POST ";
    request += std::string(path) + " HTTP/1.1\r\nHost: delvegate\r\n";
    if (!body.empty())
        request += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    request += "\r\n" + std::string(body);
    std::string text;
    bool over = false;
    boost::asio::async_write(socket, boost::asio::buffer(request), [&](const boost::system::error_code& broken, std::size_t) {
        ec = broken;
        over = bool(broken);
        if (over) return;
        boost::asio::async_read(socket, boost::asio::dynamic_buffer(text), [&](const boost::system::error_code& ended, std::size_t) {
            ec = ended;
            over = true;
        });
    });
    io.run_until(end);
    if (!over) return silent();
    constexpr std::string_view version = "HTTP/1.1 ";
    const std::size_t head = text.find("\r\n\r\n");
    const bool proper = (!ec || ec == boost::asio::error::eof) && head != std::string::npos && text.starts_with(version) &&
                        std::from_chars(text.data() + version.size(), text.data() + head, answer.status).ec == std::errc{};
    if (!proper) return failed("the gateway at " + where + " gave no proper answer; is it another version?");
    answer.body = text.substr(head + 4);
    return result(boost::system::in_place_value, std::move(answer));
}

}  // namespace gateway
