#include "launcher/dlv_go_range.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "protocol/printable.h"

namespace launcher {

namespace {

struct entry {
    dlv_version from;    // this release and those up to the next entry
    int oldest, newest;  // Go 1.x
};
// pkg/goversion/compat.go of each release.
constexpr std::array<entry, 9> table{{
    {{1, 20, 0}, 18, 20},
    {{1, 21, 0}, 18, 21},
    {{1, 21, 1}, 19, 21},
    {{1, 22, 0}, 19, 22},
    {{1, 23, 0}, 21, 23},
    {{1, 24, 0}, 21, 24},
    {{1, 25, 1}, 22, 25},
    {{1, 26, 0}, 24, 26},
    {{1, 27, 0}, 25, 27},
}};
constexpr dlv_version first_unknown{1, 28, 0};
// What to install for a Go: the last release of each line.
constexpr std::array<dlv_version, 8> last_of_line{{{1, 27, 1},
                                                   {1, 26, 3},
                                                   {1, 25, 2},
                                                   {1, 24, 2},
                                                   {1, 23, 1},
                                                   {1, 22, 1},
                                                   {1, 21, 2},
                                                   {1, 20, 2}}};
constexpr dlv_version first_that_reads_dwarf_5{1, 24, 2};  // where its own Go does
constexpr go_number go_that_reads_dwarf_5{1, 25};

std::string words(const go_number& go) {
    return std::to_string(go.major) + "." + std::to_string(go.minor);
}

bool take_number(std::string_view& text, int& number) {
    const auto [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc() || number < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    return true;
}

std::string install(const dlv_version& dlv) {
    return "go install github.com/go-delve/delve/cmd/dlv@v" + to_string(dlv);
}

std::string mend_for(const go_number& go) {
    const auto fits = std::find_if(last_of_line.begin(), last_of_line.end(), [&](auto& dlv) {
        const auto range = go_range_of(dlv);
        return range.oldest <= go && go <= range.newest;
    });
    if (fits != last_of_line.end())
        return install(*fits) + "   # and name it as the component's dlv";
    if (go < go_range_of(last_of_line.back()).oldest)
        return "build it with Go " + words(go_range_of(last_of_line.back()).oldest) +
               " or later: no dlv that delvegate knows debugs older ones";
    return "go install github.com/go-delve/delve/cmd/dlv@latest";
}

}  // namespace

std::optional<go_number> parse_go_version(std::string_view text) {
    if (text.starts_with("devel ")) text.remove_prefix(6);
    if (!text.starts_with("go")) return std::nullopt;
    text.remove_prefix(2);
    go_number result;
    if (!take_number(text, result.major) || text.empty() || text.front() != '.')
        return std::nullopt;
    text.remove_prefix(1);
    if (!take_number(text, result.minor)) return std::nullopt;
    return result;
}

go_range go_range_of(const dlv_version& dlv) {
    // 1.0 to 1.9 came before 1.20; each knows three versions of Go.
    if (dlv < table.front().from) return {{1, dlv.minor + 8}, {1, dlv.minor + 10}, false};
    // Since 1.20 a release has the number of the newest Go it knows.
    if (dlv >= first_unknown) return {{dlv.major, dlv.minor - 2}, {dlv.major, dlv.minor}, false};
    const auto next = std::find_if(table.begin(), table.end(),
                                   [&](const entry& later) { return dlv < later.from; });
    return {{1, std::prev(next)->oldest}, {1, std::prev(next)->newest}, true};
}

std::optional<finding> check_dlv_fits(const dlv_version& dlv, const std::string& dlv_go,
                                      const std::string& go_version, int dwarf_version) {
    const auto go = parse_go_version(go_version);
    if (!go) return std::nullopt;
    const auto range = go_range_of(dlv);
    const auto how = range.known ? severity::refusal : severity::warning;
    const auto made =
        "it was made by " + protocol::printable(go_version) + ", and dlv " + to_string(dlv);
    if (*go < range.oldest || *go > range.newest)
        return finding{how,
                       made + (range.known ? " debugs" : " probably debugs only") + " Go " +
                           words(range.oldest) + " to " + words(range.newest),
                       mend_for(*go)};
    if (dwarf_version < 5) return std::nullopt;
    if (dlv < first_that_reads_dwarf_5)
        return finding{severity::refusal, made + " does not read its debug information (DWARF 5)",
                       "build it with GOEXPERIMENT=nodwarf5, or " + install(last_of_line.front())};
    const auto own = parse_go_version(dlv_go);
    if (own && *own < go_that_reads_dwarf_5)
        return finding{severity::refusal,
                       made + ", itself made by " + protocol::printable(dlv_go) +
                           ", does not read its debug information (DWARF 5): that takes a dlv made "
                           "by Go 1.25 or later",
                       install(dlv) + "   # with Go 1.25 or later"};
    return std::nullopt;
}

}  // namespace launcher
