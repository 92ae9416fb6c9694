#include "launcher/unit_environment.h"

#include <glob.h>

#include <algorithm>
#include <fstream>

#include "launcher/failed.h"
#include "launcher/unit_words.h"
#include "launcher/users.h"
#include "launcher/yaml_document.h"

namespace launcher {

namespace {

using variable_list = std::vector<std::pair<std::string, sourced_word>>;

constexpr std::size_t largest_file = 4 << 20;

void set(variable_list& variables, const std::string& entry, const std::string& source) {
    const auto equals = entry.find('=');
    const auto name = entry.substr(0, equals);
    sourced_word word{entry.substr(equals + 1), source};
    for (auto& [known, value] : variables)
        if (known == name) {
            value = std::move(word);
            return;
        }
    variables.emplace_back(name, std::move(word));
}

environment_list plain(const variable_list& variables) {
    environment_list list;
    for (const auto& [name, word] : variables) list.push_back(name + "=" + word.value);
    return list;
}

std::vector<std::string> matching(const std::string& pattern) {
    glob_t found{};
    std::vector<std::string> paths;
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
        for (std::size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
    ::globfree(&found);
    return paths;
}

void read_environment_file(const environment_file& source, int version, unit_environment& result) {
    const auto complain = [&](const std::string& path, const std::string& why) {
        const auto how = source.optional ? severity::warning : severity::refusal;
        result.findings.push_back({how, "environment file " + path + " " + why, "correct the file, or the unit's EnvironmentFile"});
    };
    const auto paths = matching(source.path);
    if (paths.empty() && !source.optional)
        complain(source.path, "is not there, and systemd would not start the unit without it");
    for (const auto& path : paths) {
        // A FIFO, a device or a file without an end must not hold root up.
        const auto text = read_regular_file(path, largest_file);
        if (!text) {
            complain(path, "cannot be read: " + text.error().substr(std::min(text.error().size(), path.size() + 2)));
            continue;
        }
        const auto parsed = parse_environment_file(*text, version);
        if (!parsed) {
            complain(path, "cannot be used: " + parsed.error());
            continue;
        }
        result.files.push_back(path);
        for (const auto& entry : *parsed) set(result.variables, entry, path);
    }
}

void add_account(const unit_properties& unit, variable_list& variables) {
    if (unit.user.empty()) return;
    const auto account = resolve_user(unit.user);
    if (!account || account->name.empty()) return;
    const std::string source = "User=" + unit.user;
    if (!account->home.empty()) set(variables, "HOME=" + account->home, source);
    set(variables, "LOGNAME=" + account->name, source);
    set(variables, "USER=" + account->name, source);
    if (!account->shell.empty()) set(variables, "SHELL=" + account->shell, source);
}

// PassEnvironment= takes them from the first process's own block.
environment_list own_block_of_systemd(manager_scope scope) {
    environment_list list;
    if (scope != manager_scope::system) return list;
    std::ifstream entries("/proc/1/environ", std::ios::binary);  // the kernel's
    for (std::string entry; std::getline(entries, entry, '\0');) list.push_back(entry);
    return list;
}

}  // namespace

outcome<unit_environment> expected_environment(systemd_manager& systemd, const unit_properties& unit) {
    unit_environment result;
    const auto manager = systemd.manager_environment();
    if (!manager) return failed<unit_environment>(manager.error());
    for (const auto& entry : *manager) set(result.variables, entry, "systemd");
    add_account(unit, result.variables);
    if (!unit.pass_environment.empty())
        for (const auto& entry : own_block_of_systemd(systemd.scope())) {
            const auto name = entry.substr(0, entry.find('='));
            const auto& wanted = unit.pass_environment;
            if (std::find(wanted.begin(), wanted.end(), name) != wanted.end())
                set(result.variables, entry, "PassEnvironment= of " + unit.id);
        }
    for (const auto& entry : unit.environment) set(result.variables, entry, "Environment= of " + unit.id);
    for (const auto& file : unit.environment_files) read_environment_file(file, systemd.version(), result);

    auto left = plain(result.variables);
    unset_environment(left, unit.unset_environment);
    std::erase_if(result.variables, [&](const auto& variable) {
        const auto entry = variable.first + "=" + variable.second.value;
        return std::find(left.begin(), left.end(), entry) == left.end();
    });
    return result;
}

std::vector<sourced_word> expected_command(const exec_line& line, const variable_list& variables) {
    std::vector<sourced_word> command;
    const auto list = plain(variables);
    const bool expand = !line.has("no-env-expand");
    for (std::size_t i = 0; i < line.argv.size(); ++i) {
        const auto& word = line.argv[i];
        std::string source = "ExecStart[" + std::to_string(i) + "]";
        // The program itself is never a variable, and is not expanded as one.
        if (!expand || word.find('$') == std::string::npos) {
            command.push_back({word, source});
            continue;
        }
        source += " " + word;
        for (const auto& [name, value] : variables)
            if (word == "$" + name || word == "${" + name + "}") source += " from " + value.source;
        for (auto& made : expand_words({word}, list)) command.push_back({std::move(made), source});
    }
    return command;
}

}  // namespace launcher
