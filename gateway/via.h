// A way to a gateway that this host cannot reach by itself: through a host with ssh, or through an HTTP proxy.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/local_port.h"

namespace gateway {

struct via_way {
    enum class kind { direct, ssh, http };
    kind how = kind::direct;
    std::string user{};  // empty: none given
    std::string host{};
    std::uint16_t port = 0;  // 0: ssh's own choice, which its configuration may have for that host
};

// ssh://[USER@]HOST[:PORT] or http://[USER@]PROXY:PORT; "" and "direct": none. Refuses a password, which an argument or a
// file of contexts would show, and whatever ssh could take for an option. Letters of USER may be written %XX; ssh's may be
// `+`, `\` and `@` beside letters, digits, `-`, `_` and `.`, a proxy's any of printable ASCII but a colon.
or_reason<via_way> parse_via(std::string_view text);

// As parse_via() reads it; "" for a direct way.
std::string to_text(const via_way& via);

}  // namespace gateway
