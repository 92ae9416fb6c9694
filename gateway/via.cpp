#include "gateway/via.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace gateway {
namespace {

using result = or_reason<via_way>;

constexpr std::size_t longest = 255;

bool is_word(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.'; }

// Letters that no shell, no configuration and no log reads as anything else.
bool good_word(std::string_view text, std::string_view more) {
    return !text.empty() && text.size() <= longest && text.front() != '-' &&
           std::all_of(text.begin(), text.end(), [&](char c) { return is_word(c) || more.find(c) != more.npos; });
}

int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// %40 is an @ (RFC 3986, 2.1). Nothing: a % without two digits behind it.
std::optional<std::string> decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex(text[i + 1]) : -1, low = high < 0 ? -1 : hex(text[i + 2]);
        if (low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

// As decoded() reads it, in letters that are safe in a file and on a terminal.
std::string encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_word(c) || c == '+' || c == '@') {
            out += c;
        } else {
            out += '%';
            out += digits[byte / 16];
            out += digits[byte % 16];
        }
    }
    return out;
}

// ssh gets its user as a word of its own behind -l, a proxy in base64: what is refused is what they would read otherwise.
std::string fault_in_user(std::string_view user, bool ssh) {
    if (user.empty() || user.size() > longest) return "--via has a user of no letters, or of more than 255";
    if (ssh && user.front() == '-') return "--via has a user that begins with -, which ssh could take for an option";
    for (const char c : user) {
        if (c == ':') return "--via has a user with a colon, which would end the name";
        const bool good = ssh ? is_word(c) || c == '+' || c == '\\' || c == '@' : c > ' ' && c < 0x7f;
        if (!good) return "--via has a user with " + (c > ' ' && c < 0x7f ? "the letter " + std::string(1, c) : std::string("a letter that is not printable ASCII")) + ", which is not taken there";
    }
    return {};
}

std::optional<std::uint16_t> port_of(std::string_view text) {
    std::uint16_t port = 0;
    const auto [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (ec != std::errc() || stop != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

}  // namespace

or_reason<via_way> parse_via(std::string_view text) {
    const auto failed = [&](const std::string& why) { return result(boost::system::in_place_error, why); };
    const std::string wrong = "--via wants ssh://[USER@]HOST[:PORT], http://[USER@]PROXY:PORT, or direct; not \"" + std::string(text) + "\"";
    via_way out;
    if (text.empty() || text == "direct") return result(boost::system::in_place_value, out);
    constexpr std::string_view ssh = "ssh://", http = "http://";
    std::string_view rest = text;
    if (text.starts_with(ssh)) {
        out.how = via_way::kind::ssh;
        rest.remove_prefix(ssh.size());
    } else if (text.starts_with(http)) {
        out.how = via_way::kind::http;
        rest.remove_prefix(http.size());
    } else {
        return failed(wrong);
    }
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (const auto at = rest.rfind('@'); at != rest.npos) {
        const auto user = rest.substr(0, at);
        // Not repeated: it may be a password.
        if (user.find(':') != user.npos)
            return failed("--via takes no password, which others would see; " +
                          std::string(out.how == via_way::kind::ssh ? "ssh uses a key" : "the proxy's goes into the file that DELVEGATE_PROXY_PASSWORD_FILE names"));
        const auto plain = decoded(user);
        if (!plain) return failed("--via has a % in the user that is no %XX; a % itself is %25");
        if (const auto fault = fault_in_user(*plain, out.how == via_way::kind::ssh); !fault.empty()) return failed(fault);
        out.user = *plain;
        rest.remove_prefix(at + 1);
    }
    std::string_view host = rest;
    if (const auto close = rest.find(']'); rest.starts_with('[') && close != rest.npos) {
        host = rest.substr(1, close - 1);
        rest.remove_prefix(close + 1);
        if (host.find(':') == host.npos) return failed(wrong);
    } else {
        host = rest.substr(0, rest.find(':'));
        rest.remove_prefix(host.size());
    }
    // An alias of ssh's configuration may have a +.
    if (!good_word(host, host.find(':') != host.npos ? ":%" : out.how == via_way::kind::ssh ? "+" : "")) return failed(wrong);
    out.host = host;
    if (!rest.empty()) {
        const auto port = rest.front() == ':' ? port_of(rest.substr(1)) : std::nullopt;
        if (!port) return failed(wrong);
        out.port = *port;
    } else if (out.how == via_way::kind::http) {
        return failed(wrong);
    }
    return result(boost::system::in_place_value, out);
}

std::string to_text(const via_way& via) {
    if (via.how == via_way::kind::direct) return {};
    std::string out = via.how == via_way::kind::ssh ? "ssh://" : "http://";
    if (!via.user.empty()) out += encoded(via.user) + "@";
    out += via.host.find(':') == std::string::npos ? via.host : "[" + via.host + "]";
    if (via.port != 0) out += ":" + std::to_string(via.port);
    return out;
}

}  // namespace gateway
