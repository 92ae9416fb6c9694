// Which gateway a laptop's command means, and as whom: the options that `connect` and the lifecycle commands share.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "auth/tls.h"
#include "gateway/contexts.h"

namespace gateway {

struct laptop_target {
    laptop_target() = default;  // no aggregate: an error's text must not look like one
    std::string host;
    std::uint16_t port = 0;
    std::string server_name;  // empty: host
    via_way via;
    auth::tls_files files;
    std::string context;      // whose certificate it is, when it is a context's own; to be renewed there
};

struct laptop_place {
    std::string gateway, context, identity, kubeconfig, kube_context, server_name, via;
    auth::tls_files files;  // given one by one

    // --context, --gateway, --identity, --kubeconfig, --kube-context, --certificate, --key, --ca, --server-name,
    // --via
    void add_options(CLI::App& to);
    // Whether the command line names a gateway (or DELVEGATE_GATEWAY does).
    bool given() const { return !gateway.empty() || !context.empty(); }

    // What was given, as words of another command line; files by their whole names, so that it may be typed anywhere.
    std::vector<std::string> words() const;

    // What is given one by one wins over the kubeconfig, that over --identity, and that over the context.
    struct fault {
        std::string text;         // one line
        bool certificate = false;  // else the command line is at fault
    };
    boost::system::result<laptop_target, fault> find() const;
};

}  // namespace gateway
