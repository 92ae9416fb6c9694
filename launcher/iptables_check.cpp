#include "launcher/iptables_check.h"

#include "launcher/run_program.h"
#include "launcher/system_tool.h"

namespace launcher {

namespace {

class asking {
public:
    asking(const std::vector<std::string>& directories, std::string& trouble) : directories_(directories), trouble_(trouble) {}
    std::optional<std::string> operator()(const std::string& name, const std::vector<std::string>& words) const {
        const auto tool = find_system_tool(name, directories_);
        if (trouble_.empty()) trouble_ = tool.trouble;
        if (tool.path.empty()) return std::nullopt;
        std::vector<std::string> argv{tool.path};
        argv.insert(argv.end(), words.begin(), words.end());
        program_options options;
        options.errors_apart = true;
        options.limit = 64u << 20;
        const auto result = run_program(argv, options);
        if (!result || result->status != 0) return std::nullopt;
        return result->output;
    }

private:
    const std::vector<std::string>& directories_;
    std::string& trouble_;
};

}  // namespace

kube_chains kube_chains_in(const std::string& rules) {
    if (rules.find(":KUBE-SERVICES ") != std::string::npos) return kube_chains::services;
    for (const auto* chain : {":KUBE-IPTABLES-HINT ", ":KUBE-KUBELET-CANARY ", ":KUBE-PROXY-CANARY "})
        if (rules.find(chain) != std::string::npos) return kube_chains::hints;
    return kube_chains::none;
}

iptables_facts look_at_iptables(const std::vector<std::string>& directories) {
    iptables_facts out;
    const asking said_by(directories, out.trouble);
    if (const auto version = said_by("iptables", {"-V"})) out.version = version->substr(0, version->find('\n'));
    // Without a table's name only what the kernel has already is shown: naming one would load it.
    if (const auto rules = said_by("iptables-legacy-save", {})) {
        out.legacy_known = true;
        out.legacy = kube_chains_in(*rules);
    }
    if (const auto rules = said_by("iptables-nft-save", {})) {
        out.nft_known = true;
        out.nft = kube_chains_in(*rules);
    }
    return out;
}

void judge_iptables(const iptables_facts& facts, const std::string& mode, std::vector<finding>& findings) {
    if (mode == "nftables") return;
    const auto mend = [](const char* which) {
        return std::string("update-alternatives --set iptables /usr/sbin/iptables-") + which +
               " (and ip6tables), or checkIptables: false in launcher.yaml if you know better";
    };
    if (!facts.trouble.empty()) {
        findings.push_back({severity::refusal, facts.trouble, {}});
        return;
    }
    if (facts.version.empty()) {
        findings.push_back({severity::refusal, "there is no iptables on this node: kube-proxy brings its own in its image, and on the "
                                               "host it would fail", "install iptables"});
        return;
    }
    const bool nft = facts.version.find("nf_tables") != std::string::npos;
    // Where the Services are is what counts; hints and canaries may be the kubelet's, by the node's own iptables.
    const auto level = facts.legacy == kube_chains::services || facts.nft == kube_chains::services ? kube_chains::services
                                                                                                   : kube_chains::hints;
    const bool in_legacy = facts.legacy >= level, in_nft = facts.nft >= level;
    if (in_legacy && in_nft)
        findings.push_back({severity::warning, "rules of kube-proxy or the kubelet are in both backends of iptables: one of them is "
                                               "left over; the node's own writes to " + std::string(nft ? "nf_tables" : "legacy"),
                            "find out which is stale: iptables-legacy-save and iptables-nft-save"});
    else if (in_legacy && nft)
        findings.push_back({severity::refusal, "kube-proxy's rules are in the legacy tables, and the node's iptables writes to nf_tables: "
                                               "there would be two sets of rules", mend("legacy")});
    else if (in_nft && !nft)
        findings.push_back({severity::refusal, "kube-proxy's rules are in nf_tables, and the node's iptables writes to the legacy tables: "
                                               "there would be two sets of rules", mend("nft")});
    else if (!in_legacy && !in_nft)
        findings.push_back({severity::warning, facts.legacy_known || facts.nft_known
                                                   ? "no rules of kube-proxy are found in either backend of iptables: which it uses "
                                                     "cannot be compared"
                                                   : "neither iptables-legacy-save nor iptables-nft-save can be asked: which backend "
                                                     "kube-proxy uses cannot be compared", {}});
}

}  // namespace launcher
