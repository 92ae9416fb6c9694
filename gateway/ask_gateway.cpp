#include "gateway/ask_gateway.h"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <charconv>

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
        // As the unit that is shipped has it: below a directory that stays root's.
        const std::string below = directory + "/gateway";
        const auto answers = [](const std::string& in) { return ::access(status_socket_path(in).c_str(), F_OK) == 0; };
        return result(boost::system::in_place_value, !answers(directory) && answers(below) ? below : directory);
    }
#ifndef DELVEGATE_CLIENT_ONLY
    auto configuration = read_config(config_file);
    if (!configuration) return result(boost::system::in_place_error, configuration.error());
    return result(boost::system::in_place_value, configuration->runtime_directory);
#else
    return result(boost::system::in_place_error, "this build reads no configuration of a gateway's");
#endif
}

launcher::outcome<gateway_answer> ask_gateway(const std::string& runtime_directory, std::string_view path,
                                              std::string_view body) {
    using result = launcher::outcome<gateway_answer>;
    const auto failed = [](std::string text) { return result(boost::system::in_place_error, std::move(text)); };
    const std::string where = status_socket_path(runtime_directory);
    boost::asio::io_context io;
    boost::asio::local::stream_protocol::socket socket(io);
    boost::system::error_code ec;
    socket.connect(where, ec);
    if (ec == boost::system::errc::no_such_file_or_directory || ec == boost::asio::error::connection_refused)
        return failed("no gateway answers at " + where +
                      "; is `delvegate serve` running, as this user? (--config or --runtime-directory choose another)");
    if (ec) return failed("cannot ask the gateway at " + where + ": " + ec.message());
    std::string request = body.empty() ? "GET " : "POST ";
    request += std::string(path) + " HTTP/1.1\r\nHost: delvegate\r\n";
    if (!body.empty())
        request += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    request += "\r\n" + std::string(body);
    boost::asio::write(socket, boost::asio::buffer(request), ec);
    std::string text;
    if (!ec) boost::asio::read(socket, boost::asio::dynamic_buffer(text), ec);
    constexpr std::string_view version = "HTTP/1.1 ";
    const std::size_t head = text.find("\r\n\r\n");
    gateway_answer answer;
    const bool proper = (!ec || ec == boost::asio::error::eof) && head != std::string::npos && text.starts_with(version) &&
                        std::from_chars(text.data() + version.size(), text.data() + head, answer.status).ec == std::errc{};
    if (!proper) return failed("the gateway at " + where + " gave no proper answer; is it another version?");
    answer.body = text.substr(head + 4);
    return result(boost::system::in_place_value, std::move(answer));
}

}  // namespace gateway
