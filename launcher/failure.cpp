#include "launcher/failure.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "protocol/printable.h"

namespace launcher {

namespace {

constexpr std::string_view could_not_launch = "could not launch process: ";

std::vector<std::string_view> lines_of(std::string_view output) {
    std::vector<std::string_view> lines;
    for (std::size_t begin = 0; begin < output.size();) {
        const auto end = std::min(output.find('\n', begin), output.size());
        auto line = output.substr(begin, end - begin);
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (!line.empty()) lines.push_back(line);
        begin = end + 1;
    }
    return lines;
}

// The last line that begins so: dlv says why it ends last.
std::optional<std::string_view> last_after(const std::vector<std::string_view>& lines,
                                           std::string_view prefix) {
    for (auto it = lines.rbegin(); it != lines.rend(); ++it)
        if (it->starts_with(prefix)) return it->substr(prefix.size());
    return std::nullopt;
}

std::optional<std::string_view> last_with(const std::vector<std::string_view>& lines,
                                          std::string_view part) {
    for (auto it = lines.rbegin(); it != lines.rend(); ++it)
        if (it->find(part) != std::string_view::npos) return *it;
    return std::nullopt;
}

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// Printable and of bounded length: it goes into a log and onto a terminal.
std::string shown(std::string_view text) {
    constexpr std::size_t longest = 400;
    return protocol::printable(text.substr(0, longest)) + (text.size() > longest ? "…" : "");
}

std::string quoted_end(const std::vector<std::string_view>& lines) {
    return lines.empty() ? "it printed nothing" : "its last words: \"" + shown(lines.back()) + "\"";
}

std::string see_output(const exec_spec& spec) {
    return spec.output_file.empty() ? std::string() : "; see " + spec.output_file;
}

// dlv repeats the binary's path and fork/exec's errno; what was missing may be one of three things.
std::string explain_fork_exec(const exec_spec& spec, std::string_view words) {
    const auto where =
        spec.working_directory.empty() ? std::string() : " in " + spec.working_directory;
    if (words.ends_with("operation not permitted"))
        return "dlv may not trace " + spec.binary +
               " (ptrace is denied, as in a container's default seccomp profile or with "
               "kernel.yama.ptrace_scope=3): allow it, "
               "e.g. `docker run --cap-add=SYS_PTRACE --security-opt seccomp=unconfined`, or the "
               "pod's securityContext";
    if (words.ends_with("permission denied")) {
        const auto user =
            spec.user.empty() ? std::string("the user who runs it") : "user " + spec.user;
        return user + " may not execute " + spec.binary + where +
               ": make the program executable and its directories (and the working directory) "
               "searchable for them";
    }
    if (words.ends_with("no such file or directory"))
        return spec.binary + " could not be started" + where +
               ": the working directory, or the program's dynamic loader, does not exist on this "
               "machine";
    if (words.ends_with("exec format error"))
        return spec.binary +
               " is not a program for this machine: build it with this machine's GOOS and GOARCH";
    return spec.binary + " could not be started: " + shown(words);
}

std::string explain_launch(const exec_spec& spec, std::string_view words) {
    if (has(words, "could not open debug info") || has(words, "-ldflags='-s -w'"))
        return spec.binary +
               " has no debug information: build it without -ldflags \"-s -w\" (and with -gcflags "
               "\"all=-N -l\"), do not strip it";
    if (has(words, "not an executable file"))
        return spec.binary +
               " is not an executable Go program: name the file that `go build -o` wrote, and "
               "check its mode";
    if (has(words, "unknown backend") || has(words, "backend unavailable"))
        return "dlv has no such backend (" + shown(words) + "): leave the backend out";
    if (words.starts_with("fork/exec ")) return explain_fork_exec(spec, words);
    if (words.starts_with("open ") && words.ends_with("no such file or directory"))
        return "there is no file " + spec.binary + ": build the program, or correct its path";
    if (words.starts_with("open ") && words.ends_with("permission denied"))
        return (spec.user.empty() ? std::string("dlv") : "user " + spec.user) + " may not read " +
               spec.binary +
               ": dlv needs to read the program it debugs, correct its mode or its directories'";
    if (has(words, "unsupported architecture") || has(words, "unrecognized executable format"))
        return spec.binary + " is for an architecture this dlv cannot debug (" + shown(words) +
               "): build it for this machine";
    if (has(words, "operation not permitted"))
        return "dlv may not trace " + spec.binary + " (" + shown(words) +
               "): allow ptrace (CAP_SYS_PTRACE, seccomp, yama)";
    return "dlv could not launch " + spec.binary + ": " + shown(words) + see_output(spec);
}

std::string number_after(std::string_view line, std::string_view prefix) {
    const auto at = line.find(prefix);
    if (at == std::string_view::npos) return {};
    auto rest = line.substr(at + prefix.size());
    if (rest.starts_with("go"))
        rest.remove_prefix(2);  // "go1.19.8" in some releases, "1.19.8" in others
    const auto end = rest.find_first_not_of("0123456789.");
    auto number = std::string(rest.substr(0, end));
    while (!number.empty() && number.back() == '.') number.pop_back();
    return number;
}

std::optional<std::string> explain_go_version(const exec_spec& spec,
                                              const std::vector<std::string_view>& lines) {
    // `could not launch process:` may stand before it, and nothing does in older releases.
    if (const auto line =
            last_with(lines, "is too old for this version of Delve (minimum supported version "))
        return spec.binary + " was built with Go " + number_after(*line, "Go version ") +
               ", but this dlv needs at least Go " +
               number_after(*line, "minimum supported version ") +
               ": build it with a newer Go, or name an older dlv for this component";
    if (const auto line = last_with(lines, "Version of Delve is too old for Go version "))
        return "dlv is too old for " + spec.binary + ", which was built with Go " +
               number_after(*line, "for Go version ") + " (this dlv knows Go up to " +
               number_after(*line, "maximum supported version ") +
               "): install a newer dlv (`go install github.com/go-delve/delve/cmd/dlv@latest`), or "
               "build with an older Go";
    if (const auto line = last_with(
            lines,
            "to debug executables using DWARFv5 or later Delve must be built with Go version"))
        return spec.binary + " has debug information that this dlv cannot read (" + shown(*line) +
               "): install a dlv built with a newer Go, or build the program with "
               "GOEXPERIMENT=nodwarf5";
    return std::nullopt;
}

std::string explain_signal(const exec_spec& spec, int signal) {
    const char* name = ::sigabbrev_np(signal);
    const auto killed =
        "dlv of " + spec.name + " was killed by " +
        (name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(signal));
    if (signal == 9)
        return killed +
               ": by somebody, or by the kernel for want of memory (`dmesg` says); start it again";
    return killed + see_output(spec) + "; start it again";
}

}  // namespace

std::string explain_failure(const exec_spec& spec, std::string_view output, int code, int signal) {
    if (signal != 0) return explain_signal(spec, signal);
    const auto lines = lines_of(output);
    // A usage error is printed and then swallowed: dlv exits 0 for it.
    if (!lines.empty() && lines.front().starts_with("Error: ")) {
        return "this dlv does not understand how it was started (" +
               shown(lines.front().substr(7)) +
               "): it is too old or too new, install dlv 1.20 to 1.27";
    }
    if (code == 0)
        return "dlv of " + spec.name +
               " ended by itself (exit code 0): it was told to detach or to end; start it again";
    if (code == 1) {
        if (const auto words = last_after(lines, "couldn't start listener: "))
            return "dlv could not listen (" + shown(*words) +
                   "): check that its runtime directory exists and has room";
        if (last_with(lines, "unknown API version") || last_with(lines, "Unknown API version"))
            return std::string(
                "this dlv does not speak JSON-RPC API version 2: install dlv 1.20 to 1.27");
        if (auto version = explain_go_version(spec, lines)) return *version;
        if (const auto words = last_after(lines, could_not_launch))
            return explain_launch(spec, *words);
    }
    for (const auto line : lines) {
        if (line.starts_with("panic: ") || line.starts_with("fatal error: "))
            return "dlv of " + spec.name + " crashed (" + shown(line) + ")" + see_output(spec) +
                   "; start it again";
    }
    return "dlv of " + spec.name + " ended with exit code " + std::to_string(code) + ", " +
           quoted_end(lines) + see_output(spec);
}

std::vector<std::string> warnings_in(const exec_spec& spec, std::string_view output) {
    std::vector<std::string> warnings;
    for (const auto line : lines_of(output)) {
        if (line.starts_with("Warning: no debug info found"))
            warnings.push_back(spec.binary +
                               " has no debug information: there will be no variables, goroutines "
                               "or line breakpoints; build it "
                               "without -ldflags \"-s -w\" and do not strip it");
        else if (line.starts_with("WARNING: undefined behavior - "))
            warnings.push_back("dlv and the Go that built " + spec.binary + " do not fit (" +
                               shown(line.substr(std::strlen("WARNING: undefined behavior - "))) +
                               "): expect wrong values");
        else if (has(line, "could not create config directory"))
            continue;  // harmless: dlv only looks for its own configuration there
        else if (line.starts_with("Warning: ") || line.starts_with("WARNING: "))
            warnings.push_back("dlv of " + spec.name + " warns: " + shown(line));
    }
    return warnings;
}

}  // namespace launcher
