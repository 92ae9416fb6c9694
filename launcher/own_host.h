// Which host this is: its addresses, and its machine id.
#pragma once

#include <string>
#include <vector>

namespace launcher {

// Of every interface, loopback too, as inet_ntop writes them; without scopes. Empty where the kernel does not tell.
std::vector<std::string> own_addresses();
// /etc/machine-id; empty where there is none.
std::string machine_id();

}  // namespace launcher
