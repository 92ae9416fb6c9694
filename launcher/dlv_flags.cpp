#include "launcher/dlv_flags.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string_view>

namespace launcher {

namespace {

template <std::size_t N>
bool among(const std::string_view (&names)[N], std::string_view name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// Of dlv 1.20 to 1.27, for the subcommands that can be connected to.
bool takes_value(std::string_view name) {
    static constexpr std::string_view names[] = {"listen",
                                                 "log-output",
                                                 "log-dest",
                                                 "api-version",
                                                 "init",
                                                 "build-flags",
                                                 "wd",
                                                 "backend",
                                                 "redirect",
                                                 "waitfor",
                                                 "waitfor-interval",
                                                 "waitfor-duration",
                                                 "client-addr",
                                                 "output",
                                                 "tty",
                                                 "onprocess"};
    return among(names, name);
}

bool is_boolean(std::string_view name) {
    static constexpr std::string_view names[] = {"log",
                                                 "headless",
                                                 "accept-multiclient",
                                                 "check-go-version",
                                                 "only-same-user",
                                                 "allow-non-terminal-interactive",
                                                 "disable-aslr",
                                                 "continue",
                                                 "rr-cleanup",
                                                 "core",
                                                 "help"};
    return among(names, name);
}

// Go's strconv.ParseBool; anything else ends dlv with an error.
bool is_true(std::string_view value) {
    static constexpr std::string_view names[] = {"1", "t", "T", "TRUE", "true", "True"};
    return among(names, value);
}

void set(dlv_invocation& invocation, std::string_view name, bool value) {
    if (name == "headless") invocation.headless = value;
    if (name == "accept-multiclient") invocation.accept_multiclient = value;
    if (name == "only-same-user") invocation.only_same_user = value;
}

// One word of flags; true when the next word is its value.
bool read_long(dlv_invocation& invocation, std::string_view word) {
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    if (is_boolean(name)) {
        set(invocation, name, equals == std::string_view::npos || is_true(word.substr(equals + 1)));
        return false;
    }
    if (equals != std::string_view::npos) return false;
    if (takes_value(name)) return true;
    invocation.unknown_flag = "--" + std::string(name);
    return true;
}

bool read_short(dlv_invocation& invocation, std::string_view letters) {
    while (!letters.empty()) {
        const char letter = letters.front();
        if (letters.size() > 1 && letters[1] == '=') return false;
        if (letter == 'h' || letter == 'c') {
            letters.remove_prefix(1);
            continue;
        }
        if (letter != 'l' && letter != 'r' && letter != 'p')
            invocation.unknown_flag = std::string("-") + letter;
        return letters.size() == 1;  // -lVALUE or -l VALUE
    }
    return false;
}

}  // namespace

bool is_dlv(const std::vector<std::string>& argv) {
    if (argv.empty()) return false;
    std::string_view name = argv.front();
    if (const auto slash = name.rfind('/'); slash != std::string_view::npos)
        name.remove_prefix(slash + 1);
    if (!name.starts_with("dlv")) return false;
    name.remove_prefix(3);
    return name.empty() || name.front() == '-' || name.front() == '.' || name.front() == '_' ||
           std::isdigit(static_cast<unsigned char>(name.front())) != 0;
}

dlv_invocation parse_invocation(const std::vector<std::string>& argv) {
    dlv_invocation invocation;
    bool only_positional = false;
    for (std::size_t i = 1; i < argv.size(); ++i) {
        const std::string_view word = argv[i];
        bool value_follows = false;
        if (only_positional || word.size() < 2 || word.front() != '-') {
            invocation.positional.emplace_back(word);
        } else if (word == "--") {
            only_positional = true;
        } else if (word.starts_with("--")) {
            value_follows = read_long(invocation, word.substr(2));
        } else {
            value_follows = read_short(invocation, word.substr(1));
        }
        if (value_follows) ++i;
    }
    return invocation;
}

outcome<void> judge_invocation(const dlv_invocation& invocation) {
    const std::string restart =
        "start it with `dlv exec --headless --accept-multiclient --api-version=2 --listen=… "
        "PROGRAM`";
    const auto subcommand =
        invocation.positional.empty() ? std::string() : invocation.positional.front();
    if (subcommand == "dap")
        return "it is `dlv dap`, which serves one client and ends its program with it: " + restart;
    if (subcommand == "core" || subcommand == "replay")
        return "it is `dlv " + subcommand +
               "`: recordings and core dumps are not served, only programs that run";
    static constexpr std::string_view served[] = {"exec", "attach", "debug", "test"};
    if (!among(served, subcommand))
        return "`dlv " + subcommand + "` is not a debug server: " + restart;
    const auto doubt =
        invocation.unknown_flag.empty()
            ? std::string()
            : " for certain (its flag " + invocation.unknown_flag + " is not known here)";
    if (!invocation.headless) return "it does not run with --headless" + doubt + ": " + restart;
    if (!invocation.accept_multiclient)
        return "it does not run with --accept-multiclient" + doubt +
               ", so its program would be killed when the first client leaves: " + restart;
    return {};
}

}  // namespace launcher
