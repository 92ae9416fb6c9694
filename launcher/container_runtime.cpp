#include "launcher/container_runtime.h"

#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "launcher/run_program.h"
#include "protocol/json.h"

namespace launcher {

namespace {

std::string find_tool(const std::string& name) {
    for (const auto* directory : {"/usr/local/bin/", "/usr/bin/", "/usr/local/sbin/", "/usr/sbin/", "/opt/bin/"})
        if (const auto path = directory + name; ::access(path.c_str(), X_OK) == 0) return path;
    return {};
}

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
                                           const std::string& container) {
    constexpr std::string_view scheme = "unix://";
    if (endpoint.empty()) return runtime_answer{};
    const auto url = endpoint.find("://") == endpoint.npos && endpoint.starts_with('/') ? "unix://" + endpoint : endpoint;
    if (const auto crictl = find_tool("crictl"); !crictl.empty()) return by_crictl(crictl, url, name_space, container);
    const auto ctr = find_tool("ctr");
    if (ctr.empty() || !url.starts_with(scheme) || url.find("containerd") == url.npos) return runtime_answer{};
    return by_ctr(ctr, url.substr(scheme.size()), name_space, container);
}

}  // namespace launcher
