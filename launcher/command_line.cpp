#include "launcher/command_line.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace launcher {

namespace {

bool inherited(std::string_view name) {
    constexpr std::string_view names[] = {"PATH", "LANG", "LANGUAGE", "TZ"};
    return name.starts_with("LC_") ||
           std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool personal(std::string_view name) {
    constexpr std::string_view names[] = {"HOME",  "USER",   "LOGNAME",
                                          "SHELL", "TMPDIR", "XDG_RUNTIME_DIR"};
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

void set(std::vector<std::string>& environment, const std::string& name, const std::string& value) {
    const auto same = [&](const std::string& entry) { return entry.starts_with(name + "="); };
    const auto it = std::find_if(environment.begin(), environment.end(), same);
    auto entry = name + "=" + value;
    if (it != environment.end())
        *it = std::move(entry);
    else
        environment.push_back(std::move(entry));
}

}  // namespace

outcome<void> check_strings(const exec_spec& spec) {
    const auto has_nul = [](const std::string& text) {
        return text.find('\0') != std::string::npos;
    };
    bool nul = has_nul(spec.binary) || has_nul(spec.working_directory) || has_nul(spec.dlv) ||
               has_nul(spec.output_file) || has_nul(spec.runtime_directory) ||
               std::any_of(spec.args.begin(), spec.args.end(), has_nul);
    for (const auto& [name, value] : spec.env) {
        if (name.empty() || name.find('=') != std::string::npos)
            return "\"" + name +
                   "\" cannot be the name of an environment variable: correct the component's env";
        nul = nul || has_nul(name) || has_nul(value);
    }
    if (nul)
        return "component " + spec.name +
               " has a NUL byte in a path, an argument or a variable, which no program can be "
               "given";
    return {};
}

std::vector<std::string> command_line(const exec_spec& spec, const std::string& dlv,
                                      const std::string& listen, const std::string& directory) {
    std::vector<std::string> argv{dlv,
                                  "exec",
                                  "--headless",
                                  "--accept-multiclient",
                                  "--api-version=2",
                                  "--listen=" + listen,
                                  "--wd=" + directory,
                                  spec.binary};
    if (!spec.args.empty()) argv.emplace_back("--");
    argv.insert(argv.end(), spec.args.begin(), spec.args.end());
    return argv;
}

std::vector<std::string> attach_command_line(const std::string& dlv, const std::string& listen, pid_t pid,
                                             const std::string& binary, bool go_on) {
    std::vector<std::string> argv{dlv, "attach", "--headless", "--accept-multiclient", "--api-version=2",
                                  "--listen=" + listen};
    if (go_on) argv.emplace_back("--continue");
    argv.push_back(std::to_string(pid));
    if (!binary.empty()) argv.push_back(binary);
    return argv;
}

std::vector<std::string> core_command_line(const std::string& dlv, const std::string& listen, const std::string& binary,
                                           const std::string& core) {
    return {dlv, "core", "--headless", "--accept-multiclient", "--api-version=2", "--listen=" + listen, binary, core};
}

std::vector<std::string> base_environment(const user_account& account) {
    std::vector<std::string> result;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const auto name = text.substr(0, text.find('='));
        if (inherited(name) || (account.is_caller && personal(name))) result.emplace_back(text);
    }
    const auto missing = [&](const std::string& name) {
        return std::none_of(result.begin(), result.end(),
                            [&](const auto& entry) { return entry.starts_with(name + "="); });
    };
    if (missing("PATH"))
        set(result, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    if (missing("HOME") && !account.home.empty()) set(result, "HOME", account.home);
    if (missing("USER") && !account.name.empty()) set(result, "USER", account.name);
    if (missing("LOGNAME") && !account.name.empty()) set(result, "LOGNAME", account.name);
    if (missing("SHELL") && !account.shell.empty()) set(result, "SHELL", account.shell);
    set(result, "GO_TELEMETRY_CHILD", "2");
    return result;
}

std::vector<std::string> environment(const exec_spec& spec, const user_account& account) {
    auto result = base_environment(account);
    for (const auto& [name, value] : spec.env) set(result, name, value);
    return result;
}

std::vector<char*> c_strings(const std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (const auto& text : strings) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

}  // namespace launcher
