// Which component a raw client means by the name it asked TLS for.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <string_view>
#include <vector>

namespace gateway {

// "kube-scheduler.node1" → "kube-scheduler". Empty ("the only one I may see") when there is no SNI, or
// when it is one of the gateway's own names: its certificate covers it and no component is called so.
std::string component_of(std::string_view sni, const std::vector<std::string>& components,
                         const SSL* ssl);

}  // namespace gateway
