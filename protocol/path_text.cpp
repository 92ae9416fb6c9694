// Paths in running text, which nothing but their look tells from what is around them.
#include <algorithm>
#include <array>

#include "protocol/locations.h"
#include "protocol/path_map.h"
#include "protocol/path_prefix.h"

namespace protocol {

namespace {

// What a path in text may be a later part of: there it does not begin.
bool continues_a_path(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_./\\-~@%+").find(c) != std::string_view::npos || static_cast<unsigned char>(c) >= 0x80;
}

// Where the path ends whose prefix is behind us. A space within a path ends it for us; the letters that are
// left behind are the same in every checkout.
std::size_t end_of_path(std::string_view text, std::size_t at) {
    const auto end = text.find_first_of(" \t\r\n\"'`,;:()<>|*?[]{}$^", at);
    return end == text.npos ? text.size() : end;
}

bool is_source(std::string_view path) {
    constexpr std::string_view endings[] = {".go", ".s", ".S", ".c", ".h", ".cc", ".cpp"};
    return std::any_of(std::begin(endings), std::end(endings), [&](auto e) { return path.ends_with(e); });
}

char fold(char c) {
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return c == '\\' ? '/' : c;
}

std::size_t in_common(std::string_view a, std::string_view b) {
    std::size_t n = 0;
    while (n < a.size() && n < b.size() && fold(a[n]) == fold(b[n])) ++n;
    return n;
}

template <class From, class To>
std::string rewrite(const std::vector<path_rule>& rules, std::string_view text, From from_of, To to_of) {
    if (text.size() > path_map::longest_text) return std::string(text);
    // Letters compared and written: a path of a text costs a few of each rule, unless both are made to cost more.
    std::size_t work = 4096 + 256 * text.size();
    const auto spend = [&work](std::size_t letters) {
        work -= std::min(work, letters);
        return work > 0;
    };
    std::array<bool, 256> begins{};
    for (const auto& r : rules)
        if (!from_of(r).empty()) begins[static_cast<unsigned char>(fold(from_of(r)[0]))] = true;

    const auto mapped_at = [&](std::size_t at, std::size_t& end) -> std::optional<std::string> {
        const auto rest = text.substr(at);
        for (const auto& r : rules) {
            const std::string_view from = from_of(r);
            if (from.empty() || !spend(1 + in_common(rest, from)) || !paths::has_prefix(rest, from)) continue;
            end = end_of_path(text, at + from.size());
            const auto path = text.substr(at, end - at);
            if (!paths::absolute(from) && !is_source(path)) continue;
            if (!spend(4 * (to_of(r).size() + path.size()))) return std::nullopt;
            if (auto mapped = paths::apply(path, from, to_of(r))) return mapped;
        }
        return std::nullopt;
    };

    std::string out;
    std::size_t copied = 0;
    for (std::size_t at = 0; at < text.size() && work > 0;) {
        std::size_t end = 0;
        if (begins[static_cast<unsigned char>(fold(text[at]))] && (at == 0 || !continues_a_path(text[at - 1])))
            if (const auto mapped = mapped_at(at, end)) {
                out += text.substr(copied, at - copied);
                out += *mapped;
                copied = at = std::max(end, at + 1);
                continue;
            }
        ++at;
    }
    out += text.substr(std::min(copied, text.size()));
    return out;
}

}  // namespace

std::string path_map::text_to_server(std::string_view text) const {
    return rewrite(rules_, text, [](auto& r) -> const std::string& { return r.client; },
                   [](auto& r) -> const std::string& { return r.server; });
}

std::string path_map::text_to_client(std::string_view text) const {
    return rewrite(rules_, text, [](auto& r) -> const std::string& { return r.server; },
                   [](auto& r) -> const std::string& { return r.client; });
}

std::string path_map::location_to_server(std::string_view location) const {
    const auto colon = location.rfind(':');
    const std::string as_it_is(location);
    if (colon == location.npos || colon == 0 || colon + 1 == location.size() ||
        location.find_first_not_of("0123456789", colon + 1) != location.npos)
        return as_it_is;
    const auto file = location.substr(0, colon);
    if (!paths::absolute(file) && !is_source(file)) return as_it_is;  // FUNC:LINE
    auto mapped = to_server(file) + std::string(location.substr(colon));
    return location_computes(mapped) ? as_it_is : mapped;
}

}  // namespace protocol
