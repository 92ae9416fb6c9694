#include "gateway/status_command.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "gateway/ask_gateway.h"
#include "gateway/component_report.h"
#include "gateway/launcher_place.h"
#include "gateway/remote_lifecycle.h"
#include "gateway/status_report.h"
#include "gateway/status_socket.h"

namespace gateway {
namespace {

using protocol::json;

struct arguments {
    gateway_place where;
    laptop_place gateway;
    std::string component;
    std::string launcher_config{launcher::default_launcher_config};
    std::string output = "text";
};

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return code;
}

// The launcher's view, where there is a launcher that answers this user; null otherwise, with the reason where there is one.
json launchers_view(const arguments& a, std::string& why) {
    launcher_place place;
    place.config_file = a.launcher_config;
    const auto configuration = place.configuration();
    const std::string socket = configuration ? configuration->socket : launcher::launcher_config{}.socket;
    if (!configuration) why = configuration.error();
    if (::access(socket.c_str(), F_OK) != 0) return nullptr;
    auto client = launcher::launcher_client::connect(socket);
    if (!client) {
        why = client.error().text;
        return nullptr;
    }
    auto answer = client->call({}, {}, std::chrono::seconds(10));
    if (!answer) {
        why = answer.error().text;
        return nullptr;
    }
    return std::move(answer->result);
}

// Whether this host is a laptop only: it has no launcher, as launcher_place has it, and no gateway of its own.
bool is_laptop(const arguments& a) {
    if (a.gateway.given()) return true;
    if (!a.where.config_file.empty() || !a.where.runtime_directory.empty()) return false;
    launcher_place place;
    place.config_file = a.launcher_config;
    const auto directory = a.where.directory();
    if (!directory || (::access(status_socket_path(*directory).c_str(), F_OK) == 0 || errno != ENOENT)) return false;
    const auto configuration = place.configuration();
    return configuration && place.remote(configuration->socket);
}

// From a laptop: what the gateway tells this certificate.
int run_remote(const arguments& a) {
    launcher::launcher_request request;
    request.component = a.component;
    name_gateway(a.gateway);
    const auto answer = ask_remote(a.gateway, request);
    if (answer.failed) return complain(answer.failed->text, answer.failed->code == "usage" || answer.failed->code == "certificate" ? 2 : 1);
    const json report = json::object{{"components", answer.result}};
    if (a.output == "json")
        std::printf("%s\n", protocol::to_text(report).c_str());
    else
        std::fputs(components_text(report).c_str(), stdout);
    return 0;
}

int run(const arguments& a) {
    if (is_laptop(a)) return run_remote(a);
    if (!a.component.empty()) return complain("a component's name goes with --gateway or --context; without them all are shown", 2);
    const auto directory = a.where.directory();
    if (!directory) return complain(directory.error(), 2);
    std::string why;
    const json launchers = launchers_view(a, why);
    const auto answer = ask_gateway(*directory, "/v1/status");
    if (!answer && launchers.is_null()) return complain(answer.error(), 1);
    json report = json::object{};
    if (answer) {
        auto parsed = protocol::parse_json(answer->body, {.fold_keys = false});
        if (!parsed) return complain("the gateway's answer is not JSON: " + parsed.error().message(), 1);
        report = std::move(*parsed);
    }
    if (a.output == "json") {
        if (!launchers.is_null()) report.set("launcher", launchers);
        std::printf("%s\n", protocol::to_text(report).c_str());
    } else {
        // What is taken out first: it is what somebody who looks in a hurry must see.
        if (!launchers.is_null()) std::fputs(launcher_text(launchers).c_str(), stdout);
        if (answer) std::fputs(status_text(report).c_str(), stdout);
    }
    if (!why.empty()) std::fprintf(stderr, "delvegate: the launcher's view is missing: %s\n", why.c_str());
    if (!answer) complain(answer.error(), 0);
    return 0;
}

constexpr const char* footer = R"(
Examples:
  delvegate status --output json
  delvegate status kube-scheduler --gateway node1.example:7443     # from a laptop

Exit codes: 0 the gateway or the launcher answered; 1 neither did; 2 command line or configuration.)";

}  // namespace

void add_status_command(CLI::App& app, int& exit_code) {
    const auto a = std::make_shared<arguments>();
    auto* status = app.add_subcommand("status", "Show the gateway of this host: components, people, connections");
    status->footer(footer);
    status->add_option("COMPONENT", a->component, "One only, with --gateway or --context");
    a->where.add_options(*status);
    a->gateway.add_options(*status);
    status->add_option("--launcher-config", a->launcher_config, "The configuration of the node's launcher")
        ->type_name("FILE")
        ->capture_default_str();
    status->add_option("--output", a->output, "text, or json for scripts")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    status->callback([a, &exit_code] { exit_code = run(*a); });
}

}  // namespace gateway
