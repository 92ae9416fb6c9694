#include "gateway/status_command.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "gateway/config.h"
#include "gateway/status_report.h"
#include "gateway/status_socket.h"

namespace gateway {
namespace {

struct arguments {
    std::string config_file;
    std::string runtime_directory;
    std::string output = "text";
};

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return code;
}

// The body of the gateway's answer.
launcher::outcome<std::string> ask(const std::string& path) {
    using result = launcher::outcome<std::string>;
    const auto failed = [](std::string text) { return result(boost::system::in_place_error, std::move(text)); };
    boost::asio::io_context io;
    boost::asio::local::stream_protocol::socket socket(io);
    boost::system::error_code ec;
    socket.connect(path, ec);
    if (ec == boost::system::errc::no_such_file_or_directory || ec == boost::asio::error::connection_refused)
        return failed("no gateway answers at " + path +
                      "; is `delvegate serve` running, as this user? (--config or --runtime-directory choose another)");
    if (ec) return failed("cannot ask the gateway at " + path + ": " + ec.message());
    std::string text;
    boost::asio::write(socket, boost::asio::buffer(std::string("GET /v1/status HTTP/1.1\r\nHost: delvegate\r\n\r\n")), ec);
    if (!ec) boost::asio::read(socket, boost::asio::dynamic_buffer(text), ec);
    const std::size_t body = text.find("\r\n\r\n");
    if ((ec && ec != boost::asio::error::eof) || !text.starts_with("HTTP/1.1 200 ") || body == std::string::npos)
        return failed("the gateway at " + path + " gave no proper answer; is it another version?");
    return result(boost::system::in_place_value, text.substr(body + 4));
}

int run(const arguments& a) {
    std::string directory = a.runtime_directory.empty() ? default_runtime_directory() : a.runtime_directory;
    if (!a.config_file.empty()) {
        const auto configuration = read_config(a.config_file);
        if (!configuration) return complain(configuration.error(), 2);
        directory = configuration->runtime_directory;
    }
    const auto answer = ask(status_socket_path(directory));
    if (!answer) return complain(answer.error(), 1);
    if (a.output == "json") {
        std::printf("%s\n", answer->c_str());
        return 0;
    }
    const auto report = protocol::parse_json(*answer, {.fold_keys = false});
    if (!report) return complain("the gateway's answer is not JSON: " + report.error().message(), 1);
    std::fputs(status_text(*report).c_str(), stdout);
    return 0;
}

constexpr const char* footer = R"(
Example:
  delvegate status --output json

Exit codes: 0 the gateway answered; 1 it did not; 2 command line or configuration.)";

}  // namespace

void add_status_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* status = app.add_subcommand("status", "Show the gateway of this host: components, people, connections");
    status->footer(footer);
    auto* config_file =
        status->add_option("--config", a->config_file, "The configuration the gateway runs with")->type_name("FILE");
    status->add_option("--runtime-directory", a->runtime_directory, "The gateway's runtime directory")
        ->type_name("DIR")
        ->excludes(config_file);
    status->add_option("--output", a->output, "text, or json for scripts")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    status->callback([a, &exit_code] { exit_code = run(*a); });
}

}  // namespace gateway
