#include "gateway/remote_lifecycle.h"

#include <optional>
#include <string>
#include <utility>

#include "gateway/call_gateway.h"
#include "gateway/contexts.h"
#include "protocol/printable.h"

namespace gateway {

using launcher::launcher_verb;
using protocol::json;

namespace {

// The gateway is heard every 15 s while it waits for the launcher.
constexpr std::chrono::seconds silence{60};
constexpr std::size_t max_reply = 4u << 20;  // bytes: a plan of 1 MiB, escaped

launcher_answer failed(std::string code, const std::string& text) {
    return {{}, {}, launcher_failure{std::move(code), protocol::printable(text)}};
}

// Of an order: the path's end and the method. None: it is not for the laptop.
struct way {
    std::string path, method;
};
std::optional<way> way_of(const launcher::launcher_request& request) {
    const std::string component = "/v1/components/" + request.component;
    switch (request.verb) {
        case launcher_verb::status: return way{request.component.empty() ? "/v1/components" : component, "GET"};
        case launcher_verb::inspect: return way{component + "/plan", "GET"};
        case launcher_verb::start: return way{component + "/start", "POST"};
        case launcher_verb::stop: return way{component + "/stop", "POST"};
        case launcher_verb::restore: return way{component + "/restore", "POST"};
        case launcher_verb::arm:
        case launcher_verb::disarm:
        case launcher_verb::dial:
        case launcher_verb::park:
        case launcher_verb::heartbeat: break;
    }
    return std::nullopt;
}

// {"error":…,"code":…}, as a line or as a whole answer.
std::optional<launcher_failure> failure_in(const json& said) {
    const auto text = said.get_string("error");
    if (text.empty()) return std::nullopt;
    const auto code = said.get_string("code");
    return launcher_failure{std::string(code.empty() ? "failed" : code), protocol::printable(text)};
}

launcher_answer read_whole(const launcher::launcher_request& request, const https_reply& reply) {
    auto said = protocol::parse_json(reply.body, {.max_depth = 64, .fold_keys = false});
    if (!said) return failed("unreachable", "the gateway's answer is not JSON: " + said.error().message());
    if (auto failure = failure_in(*said)) {
        if (failure->code == "failed" && reply.status == 403) failure->code = "forbidden";
        return {{}, {}, std::move(failure)};
    }
    if (reply.status != 200) return failed("failed", "the gateway answered " + std::to_string(reply.status));
    if (request.verb != launcher_verb::status) return {std::move(*said), {}, std::nullopt};
    // A list in either case.
    if (const auto* all = said->find("components")) return {*all, {}, std::nullopt};
    return {json::array{std::move(*said)}, {}, std::nullopt};
}

}  // namespace

bool has_current_context() { return context_store().current().has_value(); }

launcher_answer ask_remote(const laptop_place& where, const launcher::launcher_request& request,
                           const std::function<void(const json& step)>& progress) {
    const auto asked = way_of(request);
    if (!asked) return failed("refused", "that is root's on the node, and not done through a gateway");
    if (!request.forces.empty() || request.decide != launcher::decision::none)
        return failed("refused", "dangers are taken and versions chosen by root on the node, not through a gateway");
    if (request.verb != launcher_verb::status && request.component.empty()) return failed("usage", "which component?");
    std::optional<launcher_answer> answer;
    https_question question;
    question.path = asked->path;
    question.method = asked->method;
    question.time = silence;
    question.max_reply = max_reply;
    if (request.verb == launcher_verb::start) {
        json body = json::object{};
        if (!request.plan.empty()) body.set("plan", "sha256:" + request.plan);
        if (request.stop_on_entry) body.set("stopOnEntry", true);
        question.body = protocol::to_text(body);
    }
    question.line = [&](std::string_view text) {
        auto said = protocol::parse_json(text, {.max_depth = 64, .fold_keys = false});
        if (!said) return;
        if (const auto* step = said->find("progress")) {
            if (progress) progress(*step);
        } else if (auto failure = failure_in(*said)) {
            answer = launcher_answer{{}, {}, std::move(failure)};
        } else if (auto* result = said->find("result")) {
            answer = launcher_answer{*result, {}, std::nullopt};
        }
    };
    const auto reply = call_gateway(where, std::move(question));
    if (answer) return std::move(*answer);  // by its last line
    if (!reply) {
        const auto& why = reply.error();
        return failed(why.code, why.text);
    }
    if (reply->body.empty())
        return failed("unreachable", "the gateway's answer ended too early; `delvegate status` tells what became of it");
    return read_whole(request, *reply);
}

}  // namespace gateway
