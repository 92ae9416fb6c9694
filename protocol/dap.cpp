#include "protocol/dap.h"

#include <utility>

#include "protocol/keys.h"

namespace protocol {
namespace {

std::string begin_message(std::int64_t seq, std::string_view type) {
    std::string out = "{\"seq\":" + std::to_string(seq) + ",\"type\":\"";
    out += type;
    out += '"';
    return out;
}

std::string begin_response(std::int64_t seq, const dap_request& to, bool success) {
    std::string out = begin_message(seq, "response");
    out += ",\"request_seq\":" + std::to_string(to.seq);
    out += success ? ",\"success\":true,\"command\":" : ",\"success\":false,\"command\":";
    append_string(out, to.command);
    return out;
}

void add_unless_null(std::string& out, std::string_view key, const json& value) {
    if (value.is_null()) return;
    out += ",\"";
    out += key;
    out += "\":";
    append_text(out, value);
}

std::string finish(std::string body) {
    body += '}';
    return frame(body);
}

// go-dap decodes these of any message before it looks at its type; what it would refuse is refused.
bool decodes_elsewhere(json::object& members) {
    const json* const event = find_folded(members, "event");
    const json* const success = find_folded(members, "success");
    return (!event || event->is_string() || event->is_null()) &&
           (!success || success->is_bool() || success->is_null());
}

}  // namespace

result<dap_request> parse_dap_request(std::string_view body, std::size_t max_depth) {
    auto value = parse_json(body, {.max_depth = max_depth});
    if (!value) return value.error();
    auto* members = value->if_object();
    if (!members) return errc::not_an_object;

    const json* const type = find_folded(*members, "type");
    const json* const seq = find_folded(*members, "seq");
    json* const command = find_folded(*members, "command");
    if (!type || !seq) return errc::missing_member;
    const auto number = seq->as_int();
    if (!number || !type->is_string() || *type->if_string() != "request") return errc::wrong_type;
    if (!command) return errc::missing_member;
    if (!command->is_string() || !decodes_elsewhere(*members)) return errc::wrong_type;

    dap_request request;
    request.seq = *number;
    request.command = *command->if_string();
    if (json* arguments = find_folded(*members, "arguments")) {
        if (!arguments->is_object() && !arguments->is_null()) return errc::wrong_type;
        request.arguments = std::move(*arguments);
    }
    return request;
}

std::string encode(const dap_request& request) {
    std::string out = begin_message(request.seq, "request");
    out += ",\"command\":";
    append_string(out, request.command);
    add_unless_null(out, "arguments", request.arguments);
    return finish(std::move(out));
}

std::string encode_dap_response(std::int64_t seq, const dap_request& to, const json& body) {
    std::string out = begin_response(seq, to, true);
    add_unless_null(out, "body", body);
    return finish(std::move(out));
}

std::string encode_dap_error(std::int64_t seq, const dap_request& to, int id,
                             std::string_view summary, std::string_view detail, bool show_user) {
    std::string format(summary);
    if (!detail.empty()) format.append(": ").append(detail);
    std::string out = begin_response(seq, to, false);
    out += ",\"message\":";
    append_string(out, summary);
    out += ",\"body\":{\"error\":{\"id\":" + std::to_string(id) + ",\"format\":";
    append_string(out, format);
    out += show_user ? ",\"showUser\":true}}" : ",\"showUser\":false}}";
    return finish(std::move(out));
}

std::string encode_dap_event(std::int64_t seq, std::string_view event, const json& body) {
    std::string out = begin_message(seq, "event");
    out += ",\"event\":";
    append_string(out, event);
    add_unless_null(out, "body", body);
    return finish(std::move(out));
}

result<dap_message_head> read_dap_message_head(std::string_view body_start) {
    std::size_t at = 0;
    const auto take = [&](std::string_view wanted) {
        if (!body_start.substr(at).starts_with(wanted)) return false;
        at += wanted.size();
        return true;
    };
    const auto take_number = [&]() -> std::optional<std::int64_t> {
        const auto number = read_number<std::int64_t>(body_start.substr(at));
        if (!number || !*number) return std::nullopt;
        at += (*number)->size;
        return (*number)->value;
    };
    if (!take("{\"seq\":") || !take_number()) return errc::bad_reply;
    dap_message_head head;
    head.prefix = at;
    if (take(",\"type\":\"event\",\"event\":")) return head;
    if (!take(",\"type\":\"response\",\"request_seq\":")) return errc::bad_reply;
    const auto request_seq = take_number();
    if (!request_seq) return errc::bad_reply;
    head = {.is_response = true, .request_seq = *request_seq, .prefix = at};
    if (!take(",\"success\":")) return errc::bad_reply;
    return head;
}

}  // namespace protocol
