#include "launcher/unit_plan.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>

#include "launcher/dlv_version.h"
#include "launcher/failed.h"
#include "launcher/main_process.h"
#include "launcher/oom_score.h"
#include "launcher/unit_drop_in.h"
#include "launcher/unit_environment.h"
#include "launcher/unit_hindrances.h"
#include "launcher/users.h"

namespace launcher {

namespace {

std::string joined(const std::vector<std::string>& words, const char* between = ", ") {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : between) + word;
    return text;
}

std::string base_name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

int ptrace_scope() {
    std::ifstream file("/proc/sys/kernel/yama/ptrace_scope");
    int scope = 0;
    return file >> scope ? scope : 0;
}

class planner {
public:
    planner(systemd_manager& systemd, const component_definition& definition)
        : systemd_(systemd), definition_(definition) {}

    outcome<unit_plan> run() {
        plan_.unit = unit_of(definition_);
        const auto properties = systemd_.properties(plan_.unit);
        if (!properties) return failed<unit_plan>(properties.error());
        plan_.properties = *properties;
        const auto& unit = plan_.properties;
        if (!unit.id.empty()) plan_.unit = unit.id;
        if (unit.load_state != "loaded") {
            refuse_what_is_not_loaded();
            return std::move(plan_);
        }
        plan_.was_active = unit.is_active();
        plan_.identity = identity_text(unit);
        if (!unit.is_active() && !unit.is_down())
            refuse(plan_.unit + " is " + unit.active_state + " (" + unit.sub_state + "): wait until it runs or is stopped");
        if (auto fine = look_for_edits(); !fine) return failed<unit_plan>(fine.error());
        look_at_drop_ins();
        if (auto fine = fill_process(); !fine) return failed<unit_plan>(fine.error());
        choose_way();
        return std::move(plan_);
    }

private:
    void refuse(const std::string& text, const std::string& mend = {}) {
        plan_.findings.push_back({severity::refusal, text, mend});
    }
    void warn(const std::string& text, const std::string& mend = {}) {
        plan_.findings.push_back({severity::warning, text, mend});
    }
    void note(const std::string& text) { plan_.findings.push_back({severity::note, text, {}}); }

    void refuse_what_is_not_loaded() {
        const auto& unit = plan_.properties;
        if (unit.load_state == "not-found")
            refuse("there is no unit " + plan_.unit + " on this node", "correct the component's unit in launcher.yaml");
        else if (unit.load_state == "masked")
            refuse(plan_.unit + " is masked, so it cannot be started", "systemctl unmask " + plan_.unit);
        else
            refuse("systemd cannot load " + plan_.unit + " (" + unit.load_state + "): " + unit.load_error,
                   "systemd-analyze verify " + plan_.unit);
    }

    outcome<void> look_for_edits() {
        const auto edited = systemd_.units_needing_reload();
        if (!edited) return edited.error();
        // What has no file any more, or a new one, that somebody else's daemon-reload would bring into force.
        if (!edited->empty())
            refuse("units were edited and systemd has not read them yet: " + joined(*edited) +
                       "; the daemon-reload that a start needs would bring the edits into force",
                   "look at systemctl cat " + joined(*edited, " ") + ", then systemctl daemon-reload");
        return {};
    }

    void look_at_drop_ins() {
        const auto ours = find_drop_in(plan_.unit, systemd_.runtime_unit_directory());
        if (ours.state != drop_in_found::none)
            refuse(ours.path + " is there: " + plan_.unit + " is out already" +
                       (ours.session.empty() ? std::string() : ", by session " + ours.session),
                   "delvegate restore " + definition_.name);
        for (const auto& path : plan_.properties.drop_in_paths) {
            if (path == ours.path) continue;
            plan_.own_drop_ins.push_back(path);
            const auto name = base_name_of(path);
            if (name == drop_in_name) refuse(path + " has the name that delvegate's own drop-in has, and would hide it", "rename it");
            if (name > drop_in_name) note(path + " is read after delvegate's drop-in; if it sets what that sets, the start is rolled back");
        }
    }

    outcome<void> fill_process() {
        const auto& unit = plan_.properties;
        auto expected = expected_environment(systemd_, unit);
        if (!expected) return expected.error();
        plan_.findings.insert(plan_.findings.end(), expected->findings.begin(), expected->findings.end());
        std::vector<sourced_word> command;
        if (!unit.exec_start.empty()) {
            command = expected_command(unit.exec_start[0], expected->variables);
            plan_.program = unit.exec_start[0].path;
        } else {
            refuse(plan_.unit + " has no ExecStart, so there is nothing to debug");
        }
        auto& process = plan_.process;
        process.argv = command;
        process.env = expected->variables;
        if (unit.timeout_stop_usec != no_limit)
            process.grace = std::chrono::seconds(std::max<std::uint64_t>(1, unit.timeout_stop_usec / 1000000));
        if (unit.is_active() && unit.main_pid > 0) return take_live(command, expected->variables);
        plan_.main_pid = 0;
        if (unit.is_active()) {
            refuse(plan_.unit + " is active without a main process (" + unit.sub_state + "): there is nothing to take the place of");
        } else {
            warn(plan_.unit + " does not run: it would be started under dlv, and be stopped again in the end");
            take_identity_from_unit();
        }
        return {};
    }

    bool unit_is_roots() const {
        const auto& user = plan_.properties.user;
        return user.empty() || user == "root" || user == "0";
    }

    void take_identity_from_unit() {
        const auto& unit = plan_.properties;
        auto& process = plan_.process;
        if (!unit.user.empty()) {
            const auto account = resolve_user(unit.user);
            if (account) {
                process.uid = account->uid;
                process.gid = account->gid;
                process.groups = account->groups;
                if (unit.working_directory == "~") process.working_directory = account->home;
            } else {
                refuse(account.error());
            }
        }
        if (!unit.working_directory.empty() && unit.working_directory != "~")
            process.working_directory = unit.working_directory.substr(unit.working_directory[0] == '!' ? 1 : 0);
    }

    outcome<void> take_live(const std::vector<sourced_word>& command,
                            const std::vector<std::pair<std::string, sourced_word>>& variables) {
        auto live = read_main_process(plan_.properties.main_pid);
        if (!live) return plan_.unit + "'s main " + live.error();
        // Between fork and exec it is still systemd, with systemd's own arguments.
        const auto name = base_name_of(live->executable);
        if (name == "systemd" || name == "systemd-executor")
            return plan_.unit + " is just being started: ask again in a moment";
        auto& process = plan_.process;
        plan_.main_pid = live->pid;
        plan_.program = live->executable;
        file_capabilities_ = live->file_capabilities;
        // What a process of another user's says of itself, that user can write: its arguments, its environment, where it is.
        // Then it is started as the unit says, as systemd would.
        believed_ = live->uid == 0 && unit_is_roots();
        if (believed_) {
            process.working_directory = live->working_directory;
        } else {
            if (!plan_.properties.exec_start.empty()) plan_.program = plan_.properties.exec_start[0].path;
            take_identity_from_unit();
        }
        // Who it is says the kernel. A program that gave up root by itself is started as root, and does so again.
        if (believed_ || !unit_is_roots()) {
            process.uid = live->uid;
            process.gid = live->gid;
            process.groups = live->groups;
        }
        process.ports = live->ports;
        plan_.own_oom_score = oom_score_of(live->pid);
        if (live->executable_deleted)
            warn(live->executable + " was replaced or removed while it runs, as an upgrade does: the debug binary must be of the "
                                    "version that is to run",
                 "systemctl restart " + plan_.unit + " to run what is installed now");
        compare_words(command, *live);
        compare_variables(variables, *live);
        find_health();
        return {};
    }

    // Whoever may see a finding may not see the value, which may be a Secret's.
    static std::string name_only(const std::string& word) {
        return word.starts_with('-') ? word.substr(0, word.find('=')) : "an argument";
    }

    void compare_words(const std::vector<sourced_word>& command, const main_process& live) {
        const bool same = command.size() == live.argv.size() &&
                          std::equal(command.begin(), command.end(), live.argv.begin(),
                                     [](const sourced_word& ours, const std::string& theirs) { return ours.value == theirs; });
        if (same) return;
        std::set<std::string> now, then(live.argv.begin(), live.argv.end());
        std::set<std::string> gone, added;
        for (const auto& word : command) now.insert(word.value);
        for (const auto& word : live.argv)
            if (!now.contains(word)) gone.insert(name_only(word));
        for (const auto& word : command)
            if (!then.contains(word.value)) added.insert(name_only(word.value));
        std::string difference;
        if (!gone.empty()) difference += "; " + joined({gone.begin(), gone.end()}) + " of the running one is no longer said";
        if (!added.empty()) difference += "; " + joined({added.begin(), added.end()}) + " is said now, which it runs without";
        if (difference.empty()) difference = "; the order is another";
        warn(plan_.unit + "'s arguments are not those it would be started with now" + difference +
                 ": in its own unit it runs with the new ones under dlv",
             "systemctl restart " + plan_.unit + ", if the new ones are right");
        if (!believed_) return;
        plan_.process.argv.clear();
        for (const auto& word : live.argv) plan_.process.argv.push_back({word, "/proc/" + std::to_string(live.pid) + "/cmdline"});
    }

    void compare_variables(const std::vector<std::pair<std::string, sourced_word>>& variables, const main_process& live) {
        std::vector<std::pair<std::string, sourced_word>> own;
        std::vector<std::string> changed;
        std::set<std::string> seen;
        for (const auto& entry : live.environment) {
            const auto equals = entry.find('=');
            const auto name = entry.substr(0, equals);
            if (equals == std::string::npos || is_for_one_run(name) || !seen.insert(name).second) continue;
            sourced_word word{entry.substr(equals + 1), "/proc/" + std::to_string(live.pid) + "/environ"};
            const auto known = std::find_if(variables.begin(), variables.end(), [&](const auto& v) { return v.first == name; });
            if (known != variables.end() && known->second.value == word.value)
                word.source = known->second.source;
            else if (known != variables.end())
                changed.push_back(name);
            own.emplace_back(name, std::move(word));
        }
        for (const auto& [name, word] : variables)
            if (!seen.contains(name) && !is_for_one_run(name)) changed.push_back(name);
        if (believed_) plan_.process.env = std::move(own);
        // Names only: values may be secrets.
        if (!changed.empty())
            warn(plan_.unit + "'s environment is not the one it would be started with now: " + joined(changed) + " differ",
                 "systemctl restart " + plan_.unit + ", if the new values are right");
    }

    void find_health() {
        if (base_name_of(plan_.program) != "kubelet") return;
        auto& health = plan_.process.health;
        health.scheme = "http";
        health.port = 10248;
        constexpr std::string_view flag = "--healthz-port=";
        for (const auto& word : plan_.process.argv)
            if (word.value.starts_with(flag))
                std::from_chars(word.value.data() + flag.size(), word.value.data() + word.value.size(), health.port);
        const auto& ports = plan_.process.ports;
        if (std::find(ports.begin(), ports.end(), health.port) == ports.end()) health.port = 0;  // its config says otherwise
    }

    void choose_way() {
        unit_surroundings around;
        if (const auto dlv = find_dlv(definition_.dlv)) around.dlv = *dlv;
        around.binary = definition_.binary.empty() ? definition_.binary_directory : definition_.binary;
        around.ptrace_scope = ptrace_scope();
        around.file_capabilities = file_capabilities_;
        auto found = find_hindrances(plan_.properties, around);
        plan_.why_beside = found.beside;
        if (found.beside.empty()) {
            plan_.loosened = std::move(found.loosened);
        } else {
            // Beside the unit none of its sandbox holds, so nothing of it is loosened.
            std::erase_if(found.findings, [](const finding& f) { return f.text.starts_with("the drop-in loosens"); });
            warn("it is run beside the stopped unit, without the unit's sandbox, limits and cgroup, since " + found.beside,
                 "install it where the unit can see it, for example below /usr/local");
            for (const auto& [name, word] : plan_.process.env)
                if (name == "RUNTIME_DIRECTORY" || name == "CREDENTIALS_DIRECTORY")
                    warn(word.value + " (" + name + ") is gone while the unit is stopped");
        }
        plan_.findings.insert(plan_.findings.end(), found.findings.begin(), found.findings.end());
        const bool refused = std::any_of(plan_.findings.begin(), plan_.findings.end(),
                                         [](const finding& f) { return f.how == severity::refusal; });
        plan_.way = refused ? unit_way::none : plan_.why_beside.empty() ? unit_way::drop_in : unit_way::beside;
    }

    systemd_manager& systemd_;
    const component_definition& definition_;
    unit_plan plan_;
    bool file_capabilities_ = false;
    bool believed_ = true;  // the live process, of what it says of itself
};

}  // namespace

std::string unit_of(const component_definition& definition) {
    if (definition.unit.empty()) return definition.name + ".service";
    const bool has_type = definition.unit.find('.') != std::string::npos;
    return has_type ? definition.unit : definition.unit + ".service";
}

outcome<unit_plan> plan_unit(systemd_manager& systemd, const component_definition& definition) {
    return planner(systemd, definition).run();
}

std::string identity_text(const unit_properties& unit) {
    std::string text;
    // Each value with its length, so that no two different lists have one text.
    const auto add = [&](const char* name, const std::string& value) {
        text += std::string(name) + " " + std::to_string(value.size()) + ":" + value + "\n";
    };
    for (const auto& line : unit.exec_start) {
        add("path", line.path);
        for (const auto& word : line.argv) add("word", word);
        for (const auto& flag : line.flags) add("flag", flag);
    }
    for (const auto& entry : unit.environment) add("environment", entry);
    for (const auto& file : unit.environment_files) add(file.optional ? "optional-file" : "file", file.path);
    for (const auto& name : unit.pass_environment) add("pass", name);
    for (const auto& name : unit.unset_environment) add("unset", name);
    add("directory", unit.working_directory);
    add("user", unit.user);
    add("group", unit.group);
    for (const auto& group : unit.supplementary_groups) add("supplementary", group);
    add("type", unit.type);
    add("restart", unit.restart);
    add("kill", unit.kill_mode);
    add("fragment", unit.fragment_path);
    return text;
}

}  // namespace launcher
