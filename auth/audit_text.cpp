#include "auth/audit_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <new>

namespace auth {
namespace {

constexpr char digits[] = "0123456789abcdef";

struct character {
    std::size_t length = 1;
    std::uint32_t code = 0;
    bool valid = false;
};

// The next character of UTF-8 (RFC 3629); an invalid one is one byte long.
character next(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto tail = [&](std::size_t i) { return i < text.size() && (at(i) & 0xC0) == 0x80; };
    const std::uint32_t first = at(0);
    if (first < 0x80) return {1, first, true};
    if (first >= 0xC2 && first < 0xE0 && tail(1)) return {2, (first & 0x1F) << 6 | (at(1) & 0x3Fu), true};
    if (first >= 0xE0 && first < 0xF0 && tail(1) && tail(2)) {
        const std::uint32_t code = (first & 0x0F) << 12 | (at(1) & 0x3Fu) << 6 | (at(2) & 0x3Fu);
        if (code >= 0x800 && (code < 0xD800 || code > 0xDFFF)) return {3, code, true};
    }
    if (first >= 0xF0 && first < 0xF5 && tail(1) && tail(2) && tail(3)) {
        const std::uint32_t code =
            (first & 0x07) << 18 | (at(1) & 0x3Fu) << 12 | (at(2) & 0x3Fu) << 6 | (at(3) & 0x3Fu);
        if (code >= 0x10000 && code <= 0x10FFFF) return {4, code, true};
    }
    return {};
}

bool harmless(std::uint32_t code) {
    if (code < 0x20 || (code >= 0x7F && code < 0xA0)) return false;
    if (code == 0x061C || code == 0x200E || code == 0x200F || code == 0xFEFF) return false;
    return !(code >= 0x2028 && code <= 0x202E) && !(code >= 0x2066 && code <= 0x2069);
}

bool plain(char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

void append_one(std::string& out, std::string_view text, const character& c) {
    if (!c.valid) {
        const auto byte = static_cast<unsigned char>(text[0]);
        out += "\\\\x";
        out += digits[byte >> 4];
        out += digits[byte & 15];
    } else if (c.code == '"' || c.code == '\\') {
        out += '\\';
        out += static_cast<char>(c.code);
    } else if (!harmless(c.code)) {
        out += "\\u";
        for (int shift = 12; shift >= 0; shift -= 4) out += digits[c.code >> shift & 15];
    } else {
        out += text.substr(0, c.length);
    }
}

}  // namespace

sha256_hasher::sha256_hasher() : context_(EVP_MD_CTX_new()) {
    static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);  // for the process
    if (!context_ || !algorithm || EVP_DigestInit_ex2(context_, algorithm, nullptr) != 1) throw std::bad_alloc();
}

sha256_hasher::~sha256_hasher() { EVP_MD_CTX_free(context_); }

void sha256_hasher::add(std::string_view bytes) { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }

void sha256_hasher::append_hex(std::string& out) {
    std::array<unsigned char, 32> value{};
    EVP_DigestFinal_ex(context_, value.data(), nullptr);
    EVP_DigestInit_ex2(context_, nullptr, nullptr);
    for (const unsigned char byte : value) {
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
}

std::string sha256_hasher::hex(std::string_view bytes) {
    std::string out;
    add(bytes);
    append_hex(out);
    return out;
}

void append_escaped(std::string& out, std::string_view text) {
    while (!text.empty()) {
        const auto end = std::find_if_not(text.begin(), text.end(), plain);
        const auto run = static_cast<std::size_t>(end - text.begin());
        out += text.substr(0, run);
        text.remove_prefix(run);
        if (text.empty()) return;
        const character c = next(text);
        append_one(out, text, c);
        text.remove_prefix(c.length);
    }
}

void append_clamped(std::string& out, std::string_view text, std::size_t limit) {
    const std::size_t start = out.size();
    if (text.size() * 6 <= limit) return append_escaped(out, text);
    for (std::string_view rest = text; !rest.empty();) {
        const character c = next(rest);
        const std::size_t before = out.size();
        append_one(out, rest, c);
        if (out.size() - start > limit) {
            out.resize(before);
            out += "…[" + std::to_string(text.size()) + " bytes, sha256:";
            thread_local sha256_hasher hash;
            hash.add(text);
            hash.append_hex(out);
            out += ']';
            return;
        }
        rest.remove_prefix(c.length);
    }
}

void append_time(std::string& out, std::int64_t nanoseconds) {
    using namespace std::chrono;
    const sys_time<std::chrono::nanoseconds> at{std::chrono::nanoseconds(std::max<std::int64_t>(0, nanoseconds))};
    const auto day = floor<days>(at);
    const year_month_day date(day);
    const hh_mm_ss time(at - day);
    char text[40];
    const int n = std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02ld:%02ld:%02ld.%09ldZ", static_cast<int>(date.year()),
                                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                static_cast<long>(time.hours().count()), static_cast<long>(time.minutes().count()),
                                static_cast<long>(time.seconds().count()), static_cast<long>(time.subseconds().count()));
    out.append(text, static_cast<std::size_t>(n));
}

std::optional<std::int64_t> parse_time(std::string_view text) {
    constexpr std::string_view form = "0000-00-00T00:00:00.000000000Z";
    if (text.size() != form.size()) return {};
    for (std::size_t i = 0; i < form.size(); ++i)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return {};
    const auto number = [&](std::size_t from, std::size_t length) {
        int value = 0;
        std::from_chars(text.data() + from, text.data() + from + length, value);
        return value;
    };
    using namespace std::chrono;
    const year_month_day date(year(number(0, 4)), month(static_cast<unsigned>(number(5, 2))),
                              day(static_cast<unsigned>(number(8, 2))));
    const int h = number(11, 2), m = number(14, 2), s = number(17, 2);
    if (!date.ok() || static_cast<int>(date.year()) < 1970 || static_cast<int>(date.year()) > 2261) return {};
    if (h > 23 || m > 59 || s > 59) return {};
    const auto whole = sys_days(date) + hours(h) + minutes(m) + seconds(s) + nanoseconds(number(20, 9));
    return whole.time_since_epoch().count();
}

std::int64_t wall_clock() {
    using namespace std::chrono;
    return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace auth
