#include "gateway/own_identities.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <sstream>

#include "auth/authority.h"
#include "auth/ca.h"
#include "auth/ca_store.h"
#include "auth/identity.h"
#include "auth/issuing.h"
#include "auth/private_file.h"
#include "auth/signing_request.h"
#include "gateway/own_process.h"
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

// The CA and its store, open in the process that prepares.
struct workshop {
    auth::ca_store store;
    auth::authority ca;
    std::string ca_directory;
};

// Of a certificate that is still good otherwise. One from before there was a store is recorded now.
launcher::outcome<bool> revoked(workshop& shop, const std::string& certificate_file, const std::string& how) {
    using result = launcher::outcome<bool>;
    const auto certificate = auth::load_certificate(certificate_file);
    if (!certificate) return result(boost::system::in_place_error, certificate.error());
    const auto who = auth::identify(certificate->get());
    if (!who) return result(boost::system::in_place_error, who.error());
    auth::transaction change(shop.store.db());
    auth::adopt(shop.store, certificate->get(), how, std::time(nullptr));
    const auto issue = shop.store.find_fingerprint(who->fingerprint);
    if (auto done = change.commit(); !done) return result(boost::system::in_place_error, done.error());
    return result(boost::system::in_place_value, issue && issue->revoked_at);
}

// Whether the files can stay as they are.
launcher::outcome<bool> usable(workshop& shop, const std::string& certificate, const std::string& key,
                               const std::vector<std::string>& hosts, const std::string& how) {
    if (!auth::still_good(shop.ca_directory, certificate, key, hosts, renew_before))
        return launcher::outcome<bool>(boost::system::in_place_value, false);
    const auto out = revoked(shop, certificate, how);
    if (!out) return out;
    return launcher::outcome<bool>(boost::system::in_place_value, !*out);
}

// A new key and the certificate that `sign` makes for it; recorded before the files can be used.
template <class Sign>
launcher::outcome<void> issue_into(workshop& shop, const std::string& certificate, const std::string& key_file,
                                   Sign sign) {
    auto key = auth::make_key();
    if (!key) return key.error();
    auth::transaction change(shop.store.db());
    const auto made = sign(key->get());
    if (!made) return made.error().code == "unavailable" ? made.error().log : made.error().reason;
    if (auto done = change.commit(); !done) return done;
    // A crash between the two leaves a pair that does not fit; still_good() then says so.
    if (auto done = auth::write_private(key_file, auth::to_pem(key->get())); !done) return done;
    return auth::write_private(certificate, made->certificate);
}

launcher::outcome<void> make_person(workshop& shop, const std::string& directory, const std::string& user) {
    if (auto made = private_directory(directory); !made) return made;
    const std::string certificate = directory + "/client.crt";
    const std::string key = directory + "/client.key";
    const auto good = usable(shop, certificate, key, {}, "admin");
    if (!good) return good.error();
    if (!*good) {
        auth::admin_request request;
        request.user = user;
        request.lifetime = person_lifetime;
        const auto sign = [&](EVP_PKEY* of) {
            return auth::issue_for_admin(shop.store, shop.ca, {}, request, of, std::time(nullptr));
        };
        if (auto issued = issue_into(shop, certificate, key, sign); !issued) return issued;
    }
    return write_file(directory + "/ca.crt", auth::to_pem(shop.ca.certificate.get()), 0600);
}

// The word of the process that prepares: "ok" and a line for each revoked user, or what went wrong.
launcher::outcome<std::vector<std::string>> word_of(own_process& process) {
    pollfd wait{process.fd, POLLIN, 0};
    while (::poll(&wait, 1, -1) < 0 && errno == EINTR) {
    }
    std::string word(64 * 1024, '\0');
    const ssize_t n = ::read(process.fd, word.data(), word.size());
    word.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    const int code = end_own_process(process, false);
    if (word == "ok" || word.starts_with("ok\n")) {
        std::vector<std::string> out;
        std::istringstream lines(word.substr(2));
        for (std::string line; std::getline(lines, line);)
            if (!line.empty()) out.push_back(line);
        return out;
    }
    if (!word.empty()) return word;
    return "the process that makes certificates ended with code " + std::to_string(code) + " and without a word";
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

launcher::outcome<std::vector<std::string>> prepare_own_identities(const std::string& directory,
                                                                   const std::string& ca_name,
                                                                   const std::vector<std::string>& hosts,
                                                                   const std::vector<std::string>& people) {
    const std::string ca_directory = directory + "/ca";
    if (auto made = auth::ensure_ca(ca_directory, ca_name); !made) return made.error();
    auto store = auth::ca_store::open(ca_directory);
    if (!store) return store.error();
    auto ca = auth::load_authority(ca_directory);
    if (!ca) return ca.error();
    workshop shop{std::move(*store), std::move(*ca), ca_directory};

    const std::string certificate = directory + "/gateway.crt";
    const std::string key = directory + "/gateway.key";
    const auto good = usable(shop, certificate, key, hosts, "gateway");
    if (!good) return good.error();
    if (!*good) {
        const auto sign = [&](EVP_PKEY* of) {
            return auth::issue_for_gateway(shop.store, shop.ca, hosts, gateway_lifetime, of, std::time(nullptr));
        };
        if (auto issued = issue_into(shop, certificate, key, sign); !issued) return issued.error();
    }
    if (auto made = private_directory(directory + "/identities"); !made) return made.error();
    std::vector<std::string> out;
    for (const auto& user : people) {
        shop.store.db().forget_fault();
        if (shop.store.user_revoked(user)) {
            out.push_back(user);
            continue;
        }
        if (!shop.store.db().ok()) return shop.store.db().fault();
        if (auto made = make_person(shop, directory + "/identities/" + user, user); !made) return made.error();
    }
    return out;
}

launcher::outcome<own_identities> make_own_identities(const std::string& directory,
                                                      const std::vector<component_config>& components,
                                                      const std::vector<host_port>& listen,
                                                      const std::string& program) {
    own_identities out;
    out.ca = directory + "/ca/ca.crt";
    out.certificate = directory + "/gateway.crt";
    out.key = directory + "/gateway.key";
    const std::string own = host_name();
    std::vector<std::string> words{"signer", "--prepare", "--fd=3", "--state-directory=" + directory,
                                   "--name=delvegate " + (own.empty() ? "gateway" : own.substr(0, 50))};
    for (const auto& host : gateway_hosts(components, listen)) words.push_back("--host=" + host);
    for (const auto& component : components)
        for (const auto& user : component.users) {
            if (!plain_name(user))
                return "the user \"" + user + "\" cannot have an identity made here: its name is not fit for a "
                       "file; give the gateway certificates of your own";
            const std::string person = directory + "/identities/" + user;
            if (std::find(out.people.begin(), out.people.end(), person) != out.people.end()) continue;
            out.people.push_back(person);
            words.push_back("--person=" + user);
        }
    auto helper = start_own_process(program, words);
    if (!helper) return helper.error();
    auto without = word_of(*helper);
    if (!without) return without.error();
    out.revoked = std::move(*without);
    for (const auto& user : out.revoked) std::erase(out.people, directory + "/identities/" + user);
    return out;
}

}  // namespace gateway
