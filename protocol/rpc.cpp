#include "protocol/rpc.h"

#include <utility>

#include "protocol/keys.h"

namespace protocol {

result<rpc_request> parse_rpc_request(std::string_view text, std::size_t max_depth) {
    auto value = parse_json(text, {.max_depth = max_depth});
    if (!value) return value.error();
    auto* members = value->if_object();
    if (!members) return errc::not_an_object;

    json* const method = find_folded(*members, "method");
    if (!method) return errc::missing_member;
    if (!method->is_string()) return errc::wrong_type;

    rpc_request request;
    request.method = *method->if_string();
    if (json* id = find_folded(*members, "id")) {
        if (!id->is_number() && !id->is_string() && !id->is_null()) return errc::bad_id;
        request.id = std::move(*id);
    }
    if (json* params = find_folded(*members, "params"); params && !params->is_null()) {
        auto* const elements = params->if_array();
        if (!elements) return errc::wrong_type;
        if (!elements->empty()) request.params = std::move(elements->front());
    }
    return request;
}

std::string encode(const rpc_request& request) {
    std::string out;
    out.reserve(512);
    out += "{\"method\":";
    append_string(out, request.method);
    out += ",\"params\":[";
    append_text(out, request.params);
    out += "],\"id\":";
    append_text(out, request.id);
    out += "}\n";
    return out;
}

std::string encode_rpc_result(const json& id, const json& result) {
    std::string out = "{\"id\":";
    append_text(out, id);
    out += ",\"result\":";
    append_text(out, result);
    out += ",\"error\":null}\n";
    return out;
}

std::string encode_rpc_error(const json& id, std::string_view message) {
    std::string out = "{\"id\":";
    append_text(out, id);
    out += ",\"result\":null,\"error\":";
    append_string(out, message);
    out += "}\n";
    return out;
}

result<std::optional<rpc_reply_head>> read_rpc_reply_head(std::string_view line_start) {
    constexpr std::string_view opening = "{\"id\":";
    constexpr std::string_view following = ",\"result\":";
    // False: it begins otherwise. A text that ends too early is not wrong yet.
    const auto may_begin = [](std::string_view text, std::string_view wanted) {
        return wanted.starts_with(text.substr(0, wanted.size()));
    };
    if (!may_begin(line_start, opening)) return errc::bad_reply;
    if (line_start.size() <= opening.size()) return std::optional<rpc_reply_head>();

    const auto id = read_number<std::uint64_t>(line_start.substr(opening.size()));
    if (!id) return errc::bad_reply;
    if (!*id) return std::optional<rpc_reply_head>();
    const rpc_reply_head head{.id = (*id)->value, .prefix = opening.size() + (*id)->size};
    const auto rest = line_start.substr(head.prefix);
    if (!may_begin(rest, following)) return errc::bad_reply;
    if (rest.size() < following.size()) return std::optional<rpc_reply_head>();
    return head;
}

}  // namespace protocol
