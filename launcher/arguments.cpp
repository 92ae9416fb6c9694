#include "launcher/arguments.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>

namespace launcher {
namespace {

// "--leader_elect" and "--leader-elect" are one flag (component-base's normaliser).
std::string normal_name(std::string_view name) {
    std::string out(name);
    std::replace(out.begin(), out.end(), '_', '-');
    return out;
}

struct flag_word {
    std::string name;
    std::optional<std::string> value;  // after '='
    std::optional<std::string> next;   // the word that follows, whatever it is
};

void each_flag(const std::vector<std::string>& argv, const std::function<void(const flag_word&)>& use) {
    for (std::size_t i = 1; i < argv.size() && argv[i] != "--"; ++i) {
        const std::string& word = argv[i];
        if (!word.starts_with("--")) continue;
        const auto equals = word.find('=');
        flag_word flag;
        flag.name = normal_name(std::string_view(word).substr(2, equals == std::string::npos ? equals : equals - 2));
        if (equals != std::string::npos)
            flag.value = word.substr(equals + 1);
        else if (i + 1 < argv.size())
            flag.next = argv[i + 1];
        use(flag);
    }
}

template <class Names>
bool contains(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// Values that begin with '/' and are no files of this node.
constexpr std::array<std::string_view, 8> not_files{
    "authorization-always-allow-paths", "etcd-prefix", "etcd-servers-overrides", "cors-allowed-origins",
    "runtime-cgroups",                  "kubelet-cgroups", "system-cgroups",     "cgroup-root"};
// Files and directories that the component makes itself.
constexpr std::array<std::string_view, 5> written{"audit-log-path", "log-file", "lock-file", "cert-dir", "cert-directory"};

std::string directory_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

class file_list {
public:
    void add_value(const std::string& flag, const std::string& value) {
        if (contains(not_files, flag)) return;
        for (std::size_t start = 0; start <= value.size();) {
            const auto comma = std::min(value.find(',', start), value.size());
            add(value.substr(start, comma - start), contains(written, flag));
            start = comma + 1;
        }
    }
    std::vector<std::string> take() { return std::move(files_); }

private:
    void add(std::string part, bool is_written) {
        for (const std::string_view scheme : {"unix://", "file://"})
            if (part.starts_with(scheme)) part.erase(0, scheme.size());
        if (part.size() < 2 || part[0] != '/') return;
        // --tls-sni-cert-key=CERT,KEY:HOST
        if (const auto colon = part.find(':'); colon != std::string::npos) part.erase(colon);
        if (is_written) part = directory_of(part);
        if (!contains(files_, part)) files_.push_back(std::move(part));
    }
    std::vector<std::string> files_;
};

std::optional<bool> go_bool(std::string_view text) {
    for (const std::string_view word : {"1", "t", "T", "true", "TRUE", "True"})
        if (text == word) return true;
    for (const std::string_view word : {"0", "f", "F", "false", "FALSE", "False"})
        if (text == word) return false;
    return std::nullopt;
}

std::optional<double> unit_in_milliseconds(std::string_view unit) {
    if (unit == "ns") return 1e-6;
    if (unit == "us" || unit == "µs" || unit == "μs") return 1e-3;
    if (unit == "ms") return 1.0;
    if (unit == "s") return 1e3;
    if (unit == "m") return 60e3;
    if (unit == "h") return 3600e3;
    return std::nullopt;
}

}  // namespace

std::string base_name(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

std::optional<std::string> flag_value(const std::vector<std::string>& argv, std::string_view name) {
    std::optional<std::string> found;
    each_flag(argv, [&](const flag_word& flag) {
        if (flag.name != name) return;
        if (flag.value)
            found = flag.value;
        else if (flag.next)
            found = flag.next;
    });
    return found;
}

std::optional<bool> flag_bool(const std::vector<std::string>& argv, std::string_view name) {
    std::optional<bool> found;
    each_flag(argv, [&](const flag_word& flag) {
        if (flag.name == name) found = flag.value ? go_bool(*flag.value) : true;
    });
    return found;
}

std::optional<std::chrono::milliseconds> parse_go_duration(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    if (text == "0") return std::chrono::milliseconds(0);
    if (text.empty()) return std::nullopt;
    double total = 0;
    while (!text.empty()) {
        const auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
        const auto unit_end = std::min(text.find_first_of("0123456789.", digits), text.size());
        const auto number = text.substr(0, digits);
        const auto unit = unit_in_milliseconds(text.substr(digits, unit_end - digits));
        if (number.empty() || number == "." || !unit || std::count(number.begin(), number.end(), '.') > 1)
            return std::nullopt;
        double value = 0;
        const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
        if (read.ec != std::errc() || read.ptr != number.data() + number.size()) return std::nullopt;
        total += value * *unit;
        text.remove_prefix(unit_end);
    }
    // Go's durations end at 2^63 ns.
    if (total > 9.2e12) return std::nullopt;
    return std::chrono::milliseconds(static_cast<std::int64_t>(std::llround(negative ? -total : total)));
}

std::optional<std::chrono::milliseconds> flag_duration(const std::vector<std::string>& argv, std::string_view name) {
    const auto value = flag_value(argv, name);
    return value ? parse_go_duration(*value) : std::nullopt;
}

std::vector<std::string> files_of_arguments(const std::vector<std::string>& argv) {
    file_list files;
    each_flag(argv, [&](const flag_word& flag) {
        // A boolean's next word is none of its own, but then it is no path either, or a path all the same.
        if (const auto& value = flag.value ? flag.value : flag.next) files.add_value(flag.name, *value);
    });
    return files.take();
}

}  // namespace launcher
