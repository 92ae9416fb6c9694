#include "gateway/own_identities.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "auth/ca.h"
#include "gateway/state_directory.h"

namespace gateway {
namespace {

constexpr std::chrono::hours day{24};
constexpr auto gateway_lifetime = 90 * day;
constexpr auto person_lifetime = 365 * day;
constexpr auto renew_before = 14 * day;

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return {};
    std::string host = name.data();
    for (char& c : host)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return host;
}

// Loopback ones last: nobody else can use them.
std::vector<std::string> interface_addresses() {
    std::vector<std::string> far;
    std::vector<std::string> near;
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return far;
    for (const ifaddrs* one = all; one; one = one->ifa_next) {
        if (!one->ifa_addr || !(one->ifa_flags & IFF_UP)) continue;
        std::array<char, INET6_ADDRSTRLEN> text{};
        const int family = one->ifa_addr->sa_family;
        if (family == AF_INET) {
            const auto* in = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
            ::inet_ntop(family, &in->sin_addr, text.data(), text.size());
        } else if (family == AF_INET6) {
            const auto* in = reinterpret_cast<const sockaddr_in6*>(one->ifa_addr);
            if (IN6_IS_ADDR_LINKLOCAL(&in->sin6_addr)) continue;
            ::inet_ntop(family, &in->sin6_addr, text.data(), text.size());
        } else {
            continue;
        }
        ((one->ifa_flags & IFF_LOOPBACK) ? near : far).emplace_back(text.data());
    }
    ::freeifaddrs(all);
    std::stable_partition(far.begin(), far.end(), [](const auto& a) { return a.find(':') == std::string::npos; });
    far.insert(far.end(), near.begin(), near.end());
    return far;
}

bool unspecified(const std::string& host) { return host == "::" || host == "0.0.0.0"; }

bool plain_name(const std::string& user) {
    return !user.empty() && user.size() <= 128 && user.front() != '.' && user.find('/') == std::string::npos &&
           user.find('\0') == std::string::npos;
}

launcher::outcome<void> make_person(const std::string& ca, const std::string& directory, const std::string& user) {
    if (auto made = private_directory(directory); !made) return made;
    const std::string certificate = directory + "/client.crt";
    const std::string key = directory + "/client.key";
    if (!auth::still_good(ca, certificate, key, {}, renew_before)) {
        auth::leaf_request request;
        request.common_name = user;
        request.lifetime = person_lifetime;
        if (auto issued = auth::issue(ca, request, certificate, key); !issued) return issued.error();
    }
    const auto ca_certificate = read_file(ca + "/ca.crt");
    if (!ca_certificate) return ca_certificate.error();
    return write_file(directory + "/ca.crt", *ca_certificate, 0600);
}

}  // namespace

std::vector<std::string> gateway_hosts(const std::vector<component_config>& components,
                                       const std::vector<host_port>& listen) {
    std::vector<std::string> hosts;
    const auto add = [&hosts](const std::string& host) {
        if (!host.empty() && std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
    };
    const std::string own = host_name();
    add(own);
    add("localhost");
    for (const auto& component : components) {
        if (!own.empty()) add(component.name + "." + own);
        add(component.name + ".localhost");
    }
    for (const auto& where : listen)
        if (!unspecified(where.host)) add(where.host);
    for (const auto& address : interface_addresses()) add(address);
    return hosts;
}

std::string host_to_type(const std::vector<host_port>& listen) {
    if (!listen.empty() && !unspecified(listen.front().host)) return listen.front().host;
    const std::string own = host_name();
    // A name with a dot is one that others know, too.
    if (own.find('.') != std::string::npos) return own;
    const auto addresses = interface_addresses();
    return addresses.empty() ? "localhost" : addresses.front();
}

launcher::outcome<own_identities> make_own_identities(const std::string& directory,
                                                      const std::vector<component_config>& components,
                                                      const std::vector<host_port>& listen) {
    own_identities out;
    const std::string ca = directory + "/ca";
    out.ca = ca + "/ca.crt";
    out.certificate = directory + "/gateway.crt";
    out.key = directory + "/gateway.key";
    const std::string own = host_name();
    if (auto made = auth::ensure_ca(ca, "delvegate " + (own.empty() ? "gateway" : own)); !made) return made.error();

    const auto hosts = gateway_hosts(components, listen);
    if (!auth::still_good(ca, out.certificate, out.key, hosts, renew_before)) {
        auth::leaf_request request;
        request.server = true;
        request.common_name = hosts.front();
        request.hosts = hosts;
        request.lifetime = gateway_lifetime;
        if (auto issued = auth::issue(ca, request, out.certificate, out.key); !issued) return issued.error();
    }

    if (auto made = private_directory(directory + "/identities"); !made) return made.error();
    for (const auto& component : components)
        for (const auto& user : component.users) {
            if (!plain_name(user))
                return "the user \"" + user + "\" cannot have an identity made here: its name is not fit for a "
                       "file; give the gateway certificates of your own";
            const std::string person = directory + "/identities/" + user;
            if (std::find(out.people.begin(), out.people.end(), person) != out.people.end()) continue;
            if (auto made = make_person(ca, person, user); !made) return made.error();
            out.people.push_back(person);
        }
    return out;
}

}  // namespace gateway
