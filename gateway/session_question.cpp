#include "gateway/session_question.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "gateway/config.h"
#include "gateway/remote_lifecycle.h"
#include "gateway/status_socket.h"
#include "protocol/printable.h"

namespace gateway {

using protocol::json;

namespace {

// The gateway gives the launcher 5 s.
constexpr int most_looks = 100;
constexpr std::chrono::milliseconds between_looks{100};

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return code;
}

}  // namespace

void session_question::add_output(CLI::App& command) {
    command.add_option("--output", output, "text, or json for scripts")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
}

void session_question::add_options(CLI::App& command) {
    add_output(command);
    here.add_options(command);
    remote.add_options(command);
}

launcher::outcome<std::optional<std::string>> session_question::place() const {
    using result = launcher::outcome<std::optional<std::string>>;
    const bool chosen = !here.config_file.empty() || !here.runtime_directory.empty();
    if (chosen && remote.given()) return result(boost::system::in_place_error, "a gateway of this host, or one by its name: not both");
    const auto directory = here.directory();
    if (!directory) return result(boost::system::in_place_error, directory.error());
    const bool answers_here = ::access(status_socket_path(*directory).c_str(), F_OK) == 0;
    if (remote.given() || (!chosen && !answers_here && has_current_context())) return result(boost::system::in_place_value, std::nullopt);
    return result(boost::system::in_place_value, *directory);
}

int session_question::ask(std::string_view what, const std::optional<json>& body) const {
    if (!is_dns_label(component)) return complain("\"" + component + "\" is no component's name", 2);
    const std::string path = "/v1/components/" + component + "/" + std::string(what);
    const std::string text = body ? protocol::to_text(*body) : std::string();
    const auto tell = [this](unsigned status, const std::string& answer) {
        const auto said = protocol::parse_json(answer, {.fold_keys = false});
        if (!said) return complain("the gateway's answer is not JSON; is it another version?", 1);
        if (status != 200) return complain(protocol::printable(said->get_string("error", "the gateway refused")), 1);
        std::printf("%s\n", output == "json" ? protocol::to_text(*said).c_str() : protocol::printable(said->get_string("text")).c_str());
        return 0;
    };
    const auto directory = place();
    if (!directory) return complain(directory.error(), 2);
    if (!*directory) {
        https_question question;
        question.path = path;
        question.method = body ? "POST" : "GET";
        question.body = text;
        const auto reply = call_gateway(remote, std::move(question));
        if (!reply) return complain(reply.error().text, reply.error().code == "unreachable" ? 1 : 2);
        return tell(reply->status, reply->body);
    }
    auto said = ask_gateway(**directory, path, text);
    for (int looks = 0; said && said->status == 202 && looks < most_looks; ++looks) {
        std::this_thread::sleep_for(between_looks);
        said = ask_gateway(**directory, path);
    }
    if (!said) return complain(said.error(), 1);
    return tell(said->status, said->body);
}

}  // namespace gateway
