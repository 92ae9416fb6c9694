// Whether the node's iptables writes where the rules of Services are. A kube-proxy with the other backend would add a second
// set of them, and both would count: the classic damage.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/outcome.h"
#include "launcher/plan.h"

namespace launcher {

// What of it is in one backend: nothing, marks that the kubelet leaves too, or Services.
enum class kube_chains { none, hints, services };

struct iptables_facts {
    std::string version;      // of `iptables -V`; empty: there is none
    kube_chains legacy = kube_chains::none;  // in the legacy tables ...
    kube_chains nft = kube_chains::none;     // ... and in those of nf_tables
    bool legacy_known = false, nft_known = false;  // could be looked at
    std::string trouble{};  // one of these is not run, and why: others than root can change it
};

// Asks iptables, iptables-legacy-save and iptables-nft-save; nothing is changed, and no kernel module is loaded.
// `directories`: where they are looked for; none: where such programs are.
iptables_facts look_at_iptables(const std::vector<std::string>& directories = {});

// "kube-proxy", "nftables" and the like in config.conf's `mode`; empty: iptables. Pure.
void judge_iptables(const iptables_facts& facts, const std::string& mode, std::vector<finding>& findings);
// Of what iptables-save says. Pure.
kube_chains kube_chains_in(const std::string& rules);

}  // namespace launcher
