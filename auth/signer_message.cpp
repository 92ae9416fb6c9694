#include "auth/signer_message.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "auth/armor.h"
#include "auth/stranger_key.h"

namespace auth {

namespace {

using protocol::json;
using result = boost::system::result<signer_request, signer_fault>;

constexpr std::size_t max_proof = 2048;
constexpr std::size_t max_source = 64;
constexpr std::size_t max_hosts = 256;
constexpr std::size_t max_text = 1024;

// Reads the members of one object; the first fault wins, and what nobody asked for is one.
class members {
public:
    explicit members(const json& from) : from_(from) {}

    std::string text(std::string_view key, std::size_t most) {
        const json* value = take(key);
        if (!value) return {};
        const auto* text = value->if_string();
        if (text && text->size() <= most && text->find('\0') == std::string::npos) return *text;
        return fail(key, "must be a text of at most " + std::to_string(most) + " bytes");
    }
    std::string hex64(std::string_view key) {
        std::string value = text(key, 64);
        const bool fine = value.size() == 64 && std::all_of(value.begin(), value.end(), [](char c) {
                              return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                          });
        return fine ? value : fail(key, "must be 64 lower-case hexadecimal digits");
    }
    std::string bytes(std::string_view key, std::size_t most) {
        auto value = from_base64(text(key, (most + 2) / 3 * 4));
        if (value && !value->empty() && value->size() <= most) return std::move(*value);
        return fail(key, "must be 1 to " + std::to_string(most) + " bytes in base64");
    }
    std::vector<std::string> texts(std::string_view key, std::size_t most) {
        std::vector<std::string> out;
        const json* value = take(key);
        const auto* all = value ? value->if_array() : nullptr;
        if (!all || all->empty() || all->size() > most) {
            fail(key, "must be a list of 1 to " + std::to_string(most) + " texts");
            return {};
        }
        for (const auto& one : *all) {
            const auto* text = one.if_string();
            if (!text || text->empty() || text->size() > max_text || text->find('\0') != std::string::npos) {
                fail(key, "must be a list of texts");
                return {};
            }
            out.push_back(*text);
        }
        return out;
    }
    const json* maybe(std::string_view key) {
        const json* value = from_.find(key);
        if (value) ++taken_;
        return value;
    }
    // Empty: all is well.
    std::string fault() const {
        if (!fault_.empty()) return fault_;
        return taken_ == from_.if_object()->size() ? std::string() : "it has an unknown member";
    }

private:
    const json* take(std::string_view key) {
        const json* value = maybe(key);
        if (!value) fail(key, "is missing");
        return value;
    }
    std::string fail(std::string_view key, const std::string& why) {
        if (fault_.empty()) fault_ = std::string(key) + " " + why;
        return {};
    }

    const json& from_;
    std::string fault_;
    std::size_t taken_ = 2;  // id and verb
};

revoked_request read_revoked(members& in, std::string& fault) {
    revoked_request out;
    const json* after = in.maybe("after");
    if (!after) return out;
    const json* serial = after->find("serial");
    const json* user = after->find("user");
    if (!after->if_object() || after->if_object()->size() != 2 || !serial || !serial->is_string() || !user ||
        !user->is_string() || serial->if_string()->size() > max_text || user->if_string()->size() > max_text ||
        serial->if_string()->find('\0') != std::string::npos || user->if_string()->find('\0') != std::string::npos) {
        fault = "after must be {\"serial\",\"user\"}, two texts";
        return out;
    }
    out.after_serial = *serial->if_string();
    out.after_user = *user->if_string();
    return out;
}

template <class... Kinds>
struct overloaded : Kinds... {
    using Kinds::operator()...;
};
template <class... Kinds>
overloaded(Kinds...) -> overloaded<Kinds...>;

}  // namespace

result read_signer_request(std::string_view packet) {
    const auto failed = [](std::uint64_t id, std::string reason) {
        return result(boost::system::in_place_error, signer_fault{id, std::move(reason)});
    };
    if (packet.size() > max_signer_packet) return failed(0, "the packet is too large");
    const auto parsed = protocol::parse_json(packet, {.max_depth = 3, .fold_keys = true});
    if (!parsed || !parsed->if_object()) return failed(0, "the packet is not a JSON object");
    const json* number = parsed->find("id");
    const auto id = number ? number->as_uint() : std::nullopt;
    if (!id) return failed(0, "id must be an unsigned number");
    const json* verb = parsed->find("verb");
    if (!verb || !verb->is_string()) return failed(*id, "verb must be a text");

    signer_request out;
    out.id = *id;
    members in(*parsed);
    std::string fault;
    const std::string& name = *verb->if_string();
    if (name == "enroll") {
        enroll_request what;
        what.token_hash = in.hex64("tokenHash");
        what.spki = in.bytes("publicKey", max_public_key);
        what.source = in.text("source", max_source);
        out.what = std::move(what);
    } else if (name == "renew") {
        renew_request what;
        what.fingerprint = in.hex64("fingerprint");
        what.spki = in.bytes("publicKey", max_public_key);
        what.proof = in.bytes("proof", max_proof);
        out.what = std::move(what);
    } else if (name == "tokens") {
        out.what = tokens_request{};
    } else if (name == "revoked") {
        out.what = read_revoked(in, fault);
    } else if (name == "sign-anchor") {
        anchor_request what;
        what.bytes = in.bytes("bytes", max_anchor);
        if (what.bytes.size() <= anchor_label.size() || !what.bytes.starts_with(anchor_label))
            fault = "bytes must begin with the label of an audit anchor";
        out.what = std::move(what);
    } else if (name == "gateway-certificate") {
        gateway_request what;
        what.hosts = in.texts("hosts", max_hosts);
        what.spki = in.bytes("publicKey", max_public_key);
        out.what = std::move(what);
    } else {
        return failed(*id, "there is no such verb");
    }
    if (auto wrong = in.fault(); !wrong.empty()) return failed(*id, wrong);
    if (!fault.empty()) return failed(*id, fault);
    return out;
}

std::string to_text(const signer_request& request) {
    json out;
    out.set("id", request.id);
    std::visit(overloaded{
                   [&](const enroll_request& what) {
                       out.set("verb", "enroll");
                       out.set("tokenHash", what.token_hash);
                       out.set("publicKey", to_base64(what.spki));
                       out.set("source", what.source);
                   },
                   [&](const renew_request& what) {
                       out.set("verb", "renew");
                       out.set("fingerprint", what.fingerprint);
                       out.set("publicKey", to_base64(what.spki));
                       out.set("proof", to_base64(what.proof));
                   },
                   [&](const tokens_request&) { out.set("verb", "tokens"); },
                   [&](const revoked_request& what) {
                       out.set("verb", "revoked");
                       if (!what.after_serial.empty() || !what.after_user.empty())
                           out.set("after", json::object{{"serial", what.after_serial}, {"user", what.after_user}});
                   },
                   [&](const anchor_request& what) {
                       out.set("verb", "sign-anchor");
                       out.set("bytes", to_base64(what.bytes));
                   },
                   [&](const gateway_request& what) {
                       out.set("verb", "gateway-certificate");
                       out.set("hosts", json::array(what.hosts.begin(), what.hosts.end()));
                       out.set("publicKey", to_base64(what.spki));
                   },
               },
               request.what);
    return protocol::to_text(out);
}

std::string refusal_text(std::uint64_t id, std::string_view code, std::string_view reason, std::string_view log) {
    json out;
    out.set("id", id);
    out.set("ok", false);
    out.set("code", code);
    out.set("reason", reason);
    if (!log.empty() && log != reason) out.set("log", log);
    return protocol::to_text(out);
}

}  // namespace auth
