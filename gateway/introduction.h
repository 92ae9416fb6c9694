// How a laptop that has nothing yet gets in.
#pragma once

#include <vector>

#include "gateway/config.h"
#include "gateway/endpoints.h"
#include "gateway/own_identities.h"

namespace gateway {

// Prints what to type on the laptop, with the first of the identities that the gateway has made for itself;
// nothing when it has made none.
void print_introduction(const config& configuration, const own_identities& own, const std::vector<host_port>& listening);

}  // namespace gateway
