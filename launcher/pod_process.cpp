#include "launcher/pod_process.h"

#include <algorithm>
#include <array>
#include <set>

#include "launcher/arguments.h"
#include "launcher/pod_caveats.h"
#include "launcher/pod_environment.h"
#include "launcher/pod_expansion.h"
#include "launcher/pod_health.h"
#include "launcher/pod_mounts.h"

namespace launcher {
namespace {

// Their arguments are a program of their own, which is not read.
constexpr std::array<std::string_view, 13> wrappers{"sh",   "bash",    "dash", "ash",       "busybox", "env",  "tini",
                                                    "nice", "timeout", "exec", "dumb-init", "flock",   "setpriv"};

bool is_wrapper(std::string_view program) {
    return std::find(wrappers.begin(), wrappers.end(), program) != wrappers.end();
}

std::vector<std::string> values(const std::vector<sourced_word>& words) {
    std::vector<std::string> out;
    for (const auto& word : words) out.push_back(word.value);
    return out;
}

// Of a word only the flag's name: values may be secrets.
std::string flag_name(const std::string& word) { return word.substr(0, word.find('=')); }

class planner {
public:
    planner(const pod_manifest& manifest, const pod_container& container, const node_facts& node,
            std::vector<finding>& findings)
        : manifest_(manifest), container_(container), node_(node), findings_(findings), file_(base_name(manifest.file)) {}

    process_plan plan() {
        auto environment = make_pod_environment(manifest_, container_, node_, findings_);
        out_.env = std::move(environment.process);
        words(environment.variables);
        const auto argv = values(out_.argv);
        report_caveats(manifest_, container_, findings_);
        if (!argv.empty()) compare_with_live(argv);
        out_.working_directory = working_directory();
        identity();
        out_.mounts = plan_pod_mounts(manifest_, container_, environment.variables, node_, findings_);
        out_.files = files_of_arguments(argv);
        out_.ports = ports_of(container_, argv);
        out_.health = health_of(container_, argv, node_.addresses.empty() ? "" : node_.addresses.front());
        report_ports(argv);
        out_.grace = std::chrono::seconds(manifest_.grace.value_or(30));
        for (const auto& c : manifest_.containers)
            if (&c != &container_) out_.other_containers.push_back(c.name);
        for (const auto& c : manifest_.init_containers)
            if (c.restart_policy == "Always") out_.other_containers.push_back(c.name);
        out_.image_version = version_of_image(container_.image);
        return std::move(out_);
    }

private:
    void add(severity how, const std::string& text, std::string mend = "") {
        findings_.push_back({how, file_ + ": " + text, std::move(mend)});
    }

    bool has_live_argv() const { return node_.live && !node_.live->argv.empty(); }

    void take_live_argv(const std::string& why) {
        const std::string source = "live process " + std::to_string(node_.live->pid) + ": " + why;
        for (const auto& word : node_.live->argv) out_.argv.push_back({word, source});
    }

    void words(const string_map& variables) {
        const bool wrapped = !container_.command.empty() && is_wrapper(base_name(container_.command.front()));
        if (container_.command.empty() || wrapped) {
            const std::string why = wrapped ? "the command starts it by " + base_name(container_.command.front())
                                            : "the manifest has no command, the image's counts";
            if (has_live_argv()) return take_live_argv(why);
            return add(severity::refusal, why + ", and no live process shows its arguments",
                       "try again while the component runs under the kubelet");
        }
        const auto take = [&](const std::vector<std::string>& from, const char* field) {
            for (std::size_t i = 0; i < from.size(); ++i) {
                auto value = expand_references(from[i], {&variables});
                auto source = file_ + " " + field + "[" + std::to_string(i) + "]";
                if (value != from[i]) source += ", $(…) expanded";
                out_.argv.push_back({std::move(value), std::move(source)});
            }
        };
        take(container_.command, "command");
        take(container_.args, "args");
        if (out_.argv.front().value.empty()) add(severity::refusal, "the first word of its command is empty");
    }

    // A manifest that was edited after the container started, or a kubelet that did not restart it.
    void compare_with_live(const std::vector<std::string>& argv) {
        if (!has_live_argv()) return;
        const auto& live = node_.live->argv;
        if (std::equal(argv.begin() + 1, argv.end(), live.begin() + 1, live.end())) return;
        const std::multiset<std::string> ours(argv.begin() + 1, argv.end()), theirs(live.begin() + 1, live.end());
        std::set<std::string> names;
        // A word that is no flag may be a value, and a value may be a secret.
        const auto name_of = [](const std::string& word) { return word.starts_with('-') ? flag_name(word) : "a word that is no flag"; };
        for (const auto& word : ours)
            if (!theirs.contains(word)) names.insert(name_of(word));
        for (const auto& word : theirs)
            if (!ours.contains(word)) names.insert(name_of(word));
        std::string text;
        for (const auto& name : names) text += (text.empty() ? ": " : ", ") + name;
        if (text.empty()) text = ": their order";
        add(severity::warning, "the live process " + std::to_string(node_.live->pid) +
                                   " has other arguments than the manifest (edited since it started?)" + text);
    }

    std::string working_directory() const {
        if (!container_.working_dir.empty())
            return container_.working_dir.front() == '/' ? container_.working_dir : "/" + container_.working_dir;
        // The image's own, which is the node's directory of that name.
        if (node_.live && !node_.live->working_directory.empty()) return node_.live->working_directory;
        return "/";
    }

    void identity() {
        const auto& own = container_.security;
        const auto& pod = manifest_.security;
        const auto user = own.user ? own.user : pod.user;
        const auto group = own.group ? own.group : pod.group;
        out_.uid = user ? *user : node_.live ? node_.live->uid : 0;
        out_.gid = group ? *group : node_.live ? node_.live->gid : 0;
        if (node_.live) {
            out_.groups = node_.live->groups;
            if (!user && out_.uid != 0)
                add(severity::note, "runs as user " + std::to_string(out_.uid) + ", as the live process does");
        } else {
            std::set<gid_t> groups(pod.supplemental_groups.begin(), pod.supplemental_groups.end());
            if (pod.fs_group) groups.insert(*pod.fs_group);
            out_.groups.assign(groups.begin(), groups.end());
            if (!user) add(severity::note, "no live process shows the image's user: root is taken");
        }
        const auto non_root = own.run_as_non_root ? own.run_as_non_root : pod.run_as_non_root;
        if (non_root.value_or(false) && out_.uid == 0)
            add(severity::refusal, "runAsNonRoot, and the user would be root",
                "try again while the component runs under the kubelet, or set runAsUser");
    }

    void report_ports(const std::vector<std::string>& argv) {
        for (const char* flag : {"permit-port-sharing", "permit-address-sharing"})
            if (flag_bool(argv, flag).value_or(false))
                add(severity::warning, std::string("--") + flag + ": a free port does not prove that the component is "
                                                                  "gone; only its process does");
        if (out_.health.port == 0)
            add(severity::warning, "no health endpoint is known: start cannot tell whether the debuggee works",
                "set `health` in the component's definition");
    }

    const pod_manifest& manifest_;
    const pod_container& container_;
    const node_facts& node_;
    std::vector<finding>& findings_;
    const std::string file_;
    process_plan out_;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

outcome<const pod_container*> choose_container(const pod_manifest& manifest, std::string_view container) {
    const std::string file = base_name(manifest.file);
    std::string names;
    for (const auto& c : manifest.containers) names += (names.empty() ? "" : ", ") + c.name;
    if (!container.empty()) {
        if (const auto* found = manifest.find(container)) return found;
        return file + ": there is no container " + std::string(container) + "; there are: " + names;
    }
    if (manifest.containers.size() == 1) return &manifest.containers.front();
    if (const auto* found = manifest.find(manifest.name)) return found;
    return file + ": the pod has several containers (" + names + "); set `container` in the component's definition";
}

std::string program_of(const pod_container& container) {
    if (!container.command.empty())
        if (auto name = base_name(container.command.front()); !is_wrapper(name)) return name;
    // A container is called as what it runs more often than an image is.
    if (!container.command.empty()) return container.name;
    auto image = container.image.substr(0, container.image.find('@'));
    image = base_name(image);
    return image.substr(0, image.find(':'));
}

outcome<process_plan> plan_pod_process(const pod_manifest& manifest, std::string_view container,
                                       const node_facts& node, std::vector<finding>& findings) {
    const auto chosen = choose_container(manifest, container);
    if (!chosen) return chosen.error();
    return planner(manifest, **chosen, node, findings).plan();
}

std::string version_of_image(std::string_view image) {
    image = image.substr(0, image.find('@'));
    const auto slash = image.rfind('/');
    const auto colon = image.find(':', slash == std::string_view::npos ? 0 : slash);
    if (colon == std::string_view::npos) return "";
    auto tag = image.substr(colon + 1);
    if (!tag.starts_with('v')) return "";
    std::size_t at = 1;
    for (int part = 0; part < 3; ++part) {
        const auto start = at;
        while (at < tag.size() && is_digit(tag[at])) ++at;
        if (at == start) return "";
        if (part < 2 && (at == tag.size() || tag[at++] != '.')) return "";
    }
    return std::string(tag.substr(0, at));
}

}  // namespace launcher
