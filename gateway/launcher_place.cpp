#include "gateway/launcher_place.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "gateway/remote_lifecycle.h"
#include "protocol/printable.h"

namespace gateway {

void launcher_place::add_options(CLI::App& command) {
    command.add_option("--config", config_file, "The launcher's configuration, root's")->type_name("FILE")->capture_default_str();
}

launcher::outcome<launcher::launcher_config> launcher_place::configuration() const {
    using result = launcher::outcome<launcher::launcher_config>;
    if (::access(config_file.c_str(), R_OK) != 0) {
        // Only the socket's place is of use to somebody who may not read the rest.
        if (config_file == launcher::default_launcher_config) return result(boost::system::in_place_value);
        return result(boost::system::in_place_error, config_file + " cannot be read: " + std::generic_category().message(errno));
    }
    return launcher::read_launcher_config(config_file);
}

bool launcher_place::remote(const std::string& socket) const {
    const auto missing = [](const std::string& path) { return ::access(path.c_str(), F_OK) != 0 && errno == ENOENT; };
    return gateway.given() || (missing(socket) && missing(config_file) && has_current_context());
}

launcher_result launcher_place::ask(const std::string& socket, const launcher::launcher_request& request) const {
    if (!remote(socket)) return ask_launcher(socket, request);
    name_gateway(gateway);
    progress_lines lines;
    auto answer = ask_remote(gateway, request, [&lines](const protocol::json& step) {
        lines.show(protocol::printable(step.get_string("component")), protocol::printable(step.get_string("text")));
    });
    if (!answer.failed) return launcher::launcher_answer{std::move(answer.result), {}};
    const auto& code = answer.failed->code;
    place_failure failure;
    failure.text = std::move(answer.failed->text);
    failure.usage = code == "usage" || code == "certificate";
    failure.unreachable = code == "unreachable";
    if (code == "forbidden") failure.fault = launcher::launcher_fault::refused;
    for (const auto fault : {launcher::launcher_fault::refused, launcher::launcher_fault::unknown, launcher::launcher_fault::busy,
                             launcher::launcher_fault::limited})
        if (code == to_string(fault)) failure.fault = fault;
    return failure;
}

void name_gateway(const laptop_place& asked) {
    static bool told = false;
    const auto target = asked.find();
    if (!target || std::exchange(told, true)) return;
    std::fprintf(stderr, "through the gateway %s\n", protocol::printable(to_string(host_port{target->host, target->port})).c_str());
}

progress_lines::progress_lines() : terminal_(::isatty(STDERR_FILENO) == 1) {}
progress_lines::~progress_lines() {
    if (open_) std::fputs("\n", stderr);
}

void progress_lines::show(const std::string& component, const std::string& text) {
    const std::string line = component + ": " + text;
    if (terminal_)
        std::fprintf(stderr, "\r\033[K%s", line.c_str());
    else
        std::fprintf(stderr, "%s\n", line.c_str());
    std::fflush(stderr);
    open_ = terminal_;
}

launcher_result ask_launcher(const std::string& socket, const launcher::launcher_request& request) {
    auto client = launcher::launcher_client::connect(socket);
    if (!client) return place_failure(client.error());
    progress_lines lines;
    auto answer = client->call(request, [&lines](const protocol::json& step) {
        lines.show(protocol::printable(step.get_string("component")), protocol::printable(step.get_string("text")));
    });
    if (!answer) return place_failure(answer.error());
    return std::move(*answer);
}

}  // namespace gateway
