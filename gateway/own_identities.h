// A gateway that was given no certificates makes its own: a CA, the gateway's certificate, and one
// identity for each user who may debug something.
#pragma once

#include <string>
#include <vector>

#include "gateway/config.h"

namespace gateway {

struct own_identities {
    own_identities() = default;  // no aggregate: an error's text must not look like one
    std::string certificate;
    std::string key;
    std::string ca;
    std::vector<std::string> people;  // directories with client.crt, client.key, ca.crt; as configured
    std::vector<std::string> revoked;  // users who get none
};

// Below `directory`: ca/, gateway.crt, gateway.key, identities/USER/. What is still good is kept; the
// gateway's certificate is issued anew when its names change. Done by a process of its own (`program` is
// this one's file), so that the CA's key never is in this one.
launcher::outcome<own_identities> make_own_identities(const std::string& directory,
                                                      const std::vector<component_config>& components,
                                                      const std::vector<host_port>& listen,
                                                      const std::string& program = "/proc/self/exe");

// What that process does: adopts the CA or makes one, issues what is missing, expired, revoked or of other
// names, and records it. Returns the users who are revoked and therefore get nothing.
launcher::outcome<std::vector<std::string>> prepare_own_identities(const std::string& directory,
                                                                   const std::string& ca_name,
                                                                   const std::vector<std::string>& hosts,
                                                                   const std::vector<std::string>& people);

// Names and addresses by which clients may reach this host: localhost, the host name, every address of
// every interface but link-local ones, what is listened on, and COMPONENT.HOST of each component.
std::vector<std::string> gateway_hosts(const std::vector<component_config>& components,
                                       const std::vector<host_port>& listen);

// The one to put into a line that is typed on another host.
std::string host_to_type(const std::vector<host_port>& listen);

}  // namespace gateway
