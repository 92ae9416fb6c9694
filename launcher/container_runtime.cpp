#include "launcher/container_runtime.h"

#include <algorithm>
#include <sstream>

#include "launcher/run_program.h"
#include "launcher/system_tool.h"
#include "protocol/json.h"

namespace launcher {

namespace {

outcome<runtime_answer> by_crictl(const std::string& crictl, const std::string& endpoint,
                                  const std::string& name_space, const std::string& container) {
    program_options apart;
    apart.errors_apart = true;
    const auto said = run_program({crictl, "-r", endpoint, "ps", "--label", "io.kubernetes.container.name=" + container,
                                   "--label", "io.kubernetes.pod.namespace=" + name_space, "-o", "json"}, apart);
    if (!said) return said.error();
    const auto parsed = protocol::parse_json(said->output, {.max_depth = 64, .fold_keys = false});
    const auto* list = parsed ? parsed->find("containers") : nullptr;
    const auto* items = list != nullptr ? list->if_array() : nullptr;
    if (said->status != 0 || items == nullptr)
        return "crictl cannot ask the container runtime at " + endpoint + ": " +
               said->errors.substr(0, std::min(said->errors.find('\n'), std::size_t{300}));
    runtime_answer answer;
    answer.asked = "crictl";
    for (const auto& item : *items) answer.running.emplace_back(item.get_string("id"));
    return answer;
}

// ctr knows containers by label and tasks by state; both lists are needed.
outcome<runtime_answer> by_ctr(const std::string& ctr, const std::string& socket, const std::string& name_space,
                               const std::string& container) {
    const std::vector<std::string> base{ctr, "-a", socket, "-n", "k8s.io"};
    auto list = base, tasks = base;
    for (const auto* word : {"containers", "ls", "-q"}) list.emplace_back(word);
    list.push_back("labels.\"io.kubernetes.container.name\"==" + container +
                   ",labels.\"io.kubernetes.pod.namespace\"==" + name_space);
    for (const auto* word : {"tasks", "ls"}) tasks.emplace_back(word);
    const auto containers = run_program(list), states = run_program(tasks);
    if (!containers) return containers.error();
    if (!states) return states.error();
    if (containers->status != 0 || states->status != 0)
        return "ctr cannot ask containerd at " + socket + ": " +
               (containers->status != 0 ? containers : states)->output.substr(0, 300);
    runtime_answer answer;
    answer.asked = "ctr";
    std::istringstream ids(containers->output);
    for (std::string id; std::getline(ids, id);) {
        std::istringstream rows(states->output);
        for (std::string row; std::getline(rows, row);)
            if (!id.empty() && row.starts_with(id) && row.find("RUNNING") != row.npos) answer.running.push_back(id);
    }
    return answer;
}

}  // namespace

outcome<runtime_answer> running_containers(const std::string& endpoint, const std::string& name_space,
                                           const std::string& container, const std::vector<std::string>& directories) {
    constexpr std::string_view scheme = "unix://";
    runtime_answer nobody;
    nobody.unasked = "the kubelet's container runtime endpoint is not known";
    if (endpoint.empty()) return nobody;
    const auto url = endpoint == "docker" ? "unix:///var/run/dockershim.sock"
                     : endpoint.find("://") == endpoint.npos && endpoint.starts_with('/') ? "unix://" + endpoint : endpoint;
    const auto crictl = find_system_tool("crictl", directories);
    if (!crictl.trouble.empty()) return error_text(crictl.trouble);
    if (!crictl.path.empty()) return by_crictl(crictl.path, url, name_space, container);
    nobody.unasked = "there is no crictl on this node";
    if (!url.starts_with(scheme) || url.find("containerd") == url.npos) return nobody;
    const auto ctr = find_system_tool("ctr", directories);
    if (!ctr.trouble.empty()) return error_text(ctr.trouble);
    nobody.unasked = "there is neither crictl nor ctr on this node";
    if (ctr.path.empty()) return nobody;
    return by_ctr(ctr.path, url.substr(scheme.size()), name_space, container);
}

void check_runtime(const std::string& endpoint, const std::string& name_space, const std::string& container,
                   std::vector<finding>& findings, const std::vector<std::string>& directories) {
    const auto answer = running_containers(endpoint, name_space, container, directories);
    if (!answer)
        findings.push_back({severity::refusal, "that its container has ended could not be seen: " + answer.error(), {}});
    else if (answer->asked.empty())
        findings.push_back({severity::warning, "the container runtime cannot be asked whether its container has ended (" + answer->unasked +
                            "): only its process and its ports say so", "install crictl"});
}

}  // namespace launcher
