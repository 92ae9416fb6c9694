// The client certificate that a Kubernetes user has already.
#pragma once

#include <string>
#include <string_view>

#include "auth/tls.h"

namespace gateway {

struct kube_identity {
    kube_identity() = default;  // no aggregate: an error's text must not look like one
    std::string context;
    std::string user;
    // As in auth::tls_files: files, or PEM with a name for a person. `ca` is empty: a kubeconfig's CA is the
    // API server's, not a gateway's.
    auth::tls_files files;
};

// The user of `context` (empty: the current one) in a kubeconfig. Inline keys stay in memory. Refused, with
// what to do instead: users by exec plugin, auth provider, token or password, who have no certificate to show.
// `directory` is where relative paths start.
auth::outcome<kube_identity> parse_kubeconfig(std::string_view text, const std::string& file,
                                              const std::string& directory, const std::string& context);
auth::outcome<kube_identity> read_kubeconfig(const std::string& file, const std::string& context);

}  // namespace gateway
