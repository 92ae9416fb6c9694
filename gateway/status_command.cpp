#include "gateway/status_command.h"

#include <cstdio>
#include <memory>
#include <string>

#include "gateway/ask_gateway.h"
#include "gateway/status_report.h"

namespace gateway {
namespace {

struct arguments {
    gateway_place where;
    std::string output = "text";
};

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "delvegate: %s\n", text.c_str());
    return code;
}

int run(const arguments& a) {
    const auto directory = a.where.directory();
    if (!directory) return complain(directory.error(), 2);
    const auto answer = ask_gateway(*directory, "/v1/status");
    if (!answer) return complain(answer.error(), 1);
    if (a.output == "json") {
        std::printf("%s\n", answer->body.c_str());
        return 0;
    }
    const auto report = protocol::parse_json(answer->body, {.fold_keys = false});
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
    a->where.add_options(*status);
    status->add_option("--output", a->output, "text, or json for scripts")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    status->callback([a, &exit_code] { exit_code = run(*a); });
}

}  // namespace gateway
