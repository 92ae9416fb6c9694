// Delve's locations (`main.tick`, `file.go:10`, `*expr`), where they are more than a place.
#pragma once

#include <string_view>

#include "protocol/json.h"

namespace protocol {

// Whether Delve could take it for an expression that computes something, and answer with its value as an
// address. A name alone can still be a variable's: see strip_foreign_locations.
bool location_computes(std::string_view location);

// Takes out of FindLocation's reply what was not found by the name that was asked for: where no function
// is called `location`, Delve evaluates it, and answers with a variable's value as an address.
void strip_foreign_locations(json& reply, std::string_view location);

}  // namespace protocol
