#include "launcher/service_tokens.h"

#include <algorithm>
#include <ctime>

namespace launcher {

namespace {

using protocol::json;

constexpr std::int64_t retry = 15;       // seconds
constexpr std::int64_t shortest = 30;    // between two tokens, whatever the clocks say

json request_for(const token_wish& wish) {
    json spec = json::object{{"expirationSeconds", std::int64_t{wish.life.count()}}};
    if (!wish.audience.empty()) spec.set("audiences", json::array{wish.audience});
    return json::object{{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenRequest"}, {"spec", std::move(spec)}};
}

outcome<void> refresh(const token_book& book, kept_token& token, std::int64_t now, const api_maker& api) {
    token.refresh_at = now + retry;
    const auto who = book.name_space + "/" + book.account;
    const auto answer = api("/api/v1/namespaces/" + book.name_space + "/serviceaccounts/" + book.account + "/token",
                            request_for(token.wish));
    if (!answer) return "no token of the ServiceAccount " + who + ": " + answer.error();
    const auto* status = answer->find("status");
    const std::string value(status != nullptr ? status->get_string("token") : "");
    if (value.empty()) return "no token of the ServiceAccount " + who + ": the API server's answer has none";
    if (auto written = write_private_file(token.file, value, book.uid, book.gid); !written) return written;
    // The server may grant less than was asked for.
    const auto end = parse_utc(std::string(status->get_string("expirationTimestamp")));
    const auto life = std::min<std::int64_t>(end ? *end - now : token.wish.life.count(), token.wish.life.count());
    token.refresh_at = now + std::max(shortest, life * 8 / 10);
    return {};
}

}  // namespace

token_book book_of(const std::vector<made_volume>& volumes, const std::string& directory, const std::string& name_space,
                   const std::string& account, uid_t uid, gid_t gid) {
    token_book out;
    out.name_space = name_space;
    out.account = account.empty() ? "default" : account;
    out.uid = uid;
    out.gid = gid;
    for (const auto& volume : volumes)
        for (const auto& file : volume.files)
            if (file.token) out.tokens.push_back({directory + "/" + file.path, *file.token, 0});
    return out;
}

outcome<void> refresh_tokens(token_book& book, std::int64_t now, const api_maker& api) {
    outcome<void> last;
    for (auto& each : book.tokens)
        if (each.refresh_at <= now)
            if (auto done = refresh(book, each, now, api); !done) last = done;
    return last;
}

bool any_due(const token_book& book, std::int64_t now) {
    return std::any_of(book.tokens.begin(), book.tokens.end(), [&](const auto& each) { return each.refresh_at <= now; });
}

json to_json(const token_book& book) {
    json::array tokens;
    for (const auto& each : book.tokens)
        tokens.push_back(json::object{{"file", each.file}, {"audience", each.wish.audience},
                                      {"seconds", std::int64_t{each.wish.life.count()}}, {"refreshAt", each.refresh_at}});
    return json::object{{"namespace", book.name_space}, {"account", book.account}, {"uid", std::uint64_t{book.uid}},
                        {"gid", std::uint64_t{book.gid}}, {"tokens", std::move(tokens)}, {"lookAt", book.look_at}};
}

std::optional<token_book> token_book_from(const json& value) {
    token_book out;
    out.name_space = value.get_string("namespace");
    out.account = value.get_string("account");
    out.uid = static_cast<uid_t>(value.get_int("uid"));
    out.gid = static_cast<gid_t>(value.get_int("gid"));
    out.look_at = value.get_int("lookAt");
    const auto* tokens = value.find("tokens");
    if (out.name_space.empty() || out.account.empty() || tokens == nullptr || tokens->if_array() == nullptr) return std::nullopt;
    for (const auto& each : *tokens->if_array()) {
        kept_token one;
        one.file = each.get_string("file");
        one.wish.audience = each.get_string("audience");
        one.wish.life = std::chrono::seconds(each.get_int("seconds", 3600));
        one.refresh_at = each.get_int("refreshAt");
        if (one.file.empty() || one.file.front() != '/') return std::nullopt;
        out.tokens.push_back(std::move(one));
    }
    return out;
}

std::optional<std::int64_t> parse_utc(const std::string& text) {
    std::tm parts{};
    const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (end == nullptr) return std::nullopt;
    if (*end == '.')
        for (++end; *end >= '0' && *end <= '9';) ++end;
    if (std::string(end) != "Z") return std::nullopt;
    return ::timegm(&parts);
}

}  // namespace launcher
