// The launcher's packets back: progress, results in one packet or in parts, errors.
#include <array>
#include <utility>

#include "launcher/launcher_wire.h"

namespace launcher {
namespace {

using protocol::json;
using reply_result = boost::system::result<launcher_reply, std::string>;

constexpr int max_depth = 32;
constexpr std::size_t max_line = 8 * 1024;    // bytes of an error's text
constexpr std::size_t part_size = 8 * 1024;   // six times as many at most when escaped
constexpr std::array<std::pair<launcher_fault, std::string_view>, 6> faults{{
    {launcher_fault::malformed, "malformed"},
    {launcher_fault::refused, "refused"},
    {launcher_fault::unknown, "unknown"},
    {launcher_fault::busy, "busy"},
    {launcher_fault::limited, "limited"},
    {launcher_fault::failed, "failed"},
}};

reply_result wrong(std::string why) { return reply_result(boost::system::in_place_error, std::move(why)); }

// At a character's boundary, so that each piece is UTF-8.
std::size_t piece_end(std::string_view text, std::size_t most) {
    if (text.size() <= most) return text.size();
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0u) == 0x80u) --most;
    return most;
}

std::string cut(std::string_view text) { return std::string(text.substr(0, piece_end(text, max_line))); }

reply_result read_error(const json& body) {
    launcher_reply out;
    out.what = launcher_reply::kind::error;
    const json* code = body.find("code");
    const json* text = body.find("text");
    if (!body.if_object() || body.if_object()->size() != 2 || !code || !code->if_string() || !text || !text->if_string() ||
        text->if_string()->empty() || text->if_string()->size() > max_line)
        return wrong("error must be {\"code\",\"text\"}");
    out.text = *text->if_string();
    for (const auto& [fault, name] : faults)
        if (name == *code->if_string()) {
            out.fault = fault;
            return out;
        }
    return wrong("error has an unknown code");
}

}  // namespace

std::string_view to_string(launcher_fault fault) {
    for (const auto& [one, name] : faults)
        if (one == fault) return name;
    return "unknown";
}

reply_result read_launcher_reply(std::string_view packet) {
    if (packet.size() > max_launcher_packet) return wrong("the packet is too large");
    const auto parsed = protocol::parse_json(packet, {.max_depth = max_depth, .fold_keys = false});
    if (!parsed || !parsed->if_object()) return wrong("the packet is not a JSON object");
    const auto& members = *parsed->if_object();
    const json* version = parsed->find("v");
    if (!version || version->as_int() != launcher_wire_version)
        return wrong("the launcher speaks another version; restart it after the upgrade");
    if (members.size() != 2) return wrong("a reply has two members");
    const auto& [key, body] = members[members[0].first == "v" ? 1 : 0];
    launcher_reply out;
    if (key == "error") return read_error(body);
    if (key == "result") {
        out.what = launcher_reply::kind::result;
        out.body = body;
    } else if (key == "progress") {
        if (!body.if_object()) return wrong("progress must be an object");
        out.what = launcher_reply::kind::progress;
        out.body = body;
    } else if (key == "part") {
        if (!body.if_string() || body.if_string()->empty()) return wrong("part must be a text");
        out.what = launcher_reply::kind::part;
        out.text = *body.if_string();
    } else if (key == "parts") {
        const auto count = body.as_uint();
        if (!count || *count == 0) return wrong("parts must be a number");
        out.what = launcher_reply::kind::parts;
        out.parts = *count;
    } else {
        return wrong("a reply has an unknown member");
    }
    return out;
}

std::string to_text(const launcher_reply& reply) {
    json out;
    out.set("v", launcher_wire_version);
    switch (reply.what) {
        case launcher_reply::kind::progress: out.set("progress", reply.body); break;
        case launcher_reply::kind::part: out.set("part", reply.text); break;
        case launcher_reply::kind::result: out.set("result", reply.body); break;
        case launcher_reply::kind::parts: out.set("parts", reply.parts); break;
        case launcher_reply::kind::error:
            out.set("error", json::object{{"code", to_string(reply.fault)},
                                          {"text", reply.text.empty() ? "no reason was given" : cut(reply.text)}});
            break;
    }
    return protocol::to_text(out);
}

std::optional<std::vector<std::string>> result_packets(const json& result) {
    launcher_reply whole;
    whole.body = result;
    std::vector<std::string> out{to_text(whole)};
    if (out.front().size() <= max_launcher_packet) return out;
    const std::string text = protocol::to_text(result);
    if (text.size() > max_launcher_result) return std::nullopt;
    out.clear();
    launcher_reply part;
    part.what = launcher_reply::kind::part;
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t end = piece_end(rest, part_size);
        part.text = std::string(rest.substr(0, end));
        out.push_back(to_text(part));
        rest.remove_prefix(end);
    }
    launcher_reply last;
    last.what = launcher_reply::kind::parts;
    last.parts = out.size();
    out.push_back(to_text(last));
    return out;
}

boost::system::result<std::optional<json>, std::string> result_joiner::take(launcher_reply reply) {
    using result = boost::system::result<std::optional<json>, std::string>;
    const auto failed = [](const char* why) { return result(boost::system::in_place_error, why); };
    const auto value = [](std::optional<json> of) { return result(boost::system::in_place_value, std::move(of)); };
    switch (reply.what) {
        case launcher_reply::kind::part:
            if (text_.size() + reply.text.size() > max_launcher_result) return failed("the launcher's result is too large");
            text_ += reply.text;
            ++parts_;
            return value(std::nullopt);
        case launcher_reply::kind::result:
            if (parts_ != 0) return failed("the launcher's result is in parts and whole");
            return value(std::move(reply.body));
        case launcher_reply::kind::parts: {
            if (reply.parts != parts_) return failed("a part of the launcher's result is missing");
            auto parsed = protocol::parse_json(text_, {.max_depth = max_depth, .fold_keys = false});
            if (!parsed) return failed("the launcher's result is not JSON");
            return value(std::move(*parsed));
        }
        default: return failed("that is no result");
    }
}

}  // namespace launcher
