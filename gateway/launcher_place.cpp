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
    return gateway.given() || (::access(socket.c_str(), F_OK) != 0 && has_current_context());
}

launcher_result launcher_place::ask(const std::string& socket, const launcher::launcher_request& request) const {
    if (!remote(socket)) return ask_launcher(socket, request);
    progress_lines lines;
    auto answer = ask_remote(gateway, request, [&lines](const protocol::json& step) {
        lines.show(protocol::printable(step.get_string("component")), protocol::printable(step.get_string("text")));
    });
    if (!answer.failed) return launcher::launcher_answer{std::move(answer.result), {}};
    launcher::launcher_failure failure;
    failure.text = std::move(answer.failed->text);
    // What the gateway could not ask is not to be done without a launcher here instead.
    for (const auto fault : {launcher::launcher_fault::refused, launcher::launcher_fault::unknown, launcher::launcher_fault::busy,
                             launcher::launcher_fault::limited})
        if (answer.failed->code == to_string(fault)) failure.fault = fault;
    return failure;
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
    if (!client) return client.error();
    progress_lines lines;
    return client->call(request, [&lines](const protocol::json& step) {
        lines.show(protocol::printable(step.get_string("component")), protocol::printable(step.get_string("text")));
    });
}

}  // namespace gateway
