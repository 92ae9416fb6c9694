// Small, deterministic damage to JSON text, of the kinds that two readers could take differently.
#pragma once

#include <random>
#include <string>
#include <string_view>

namespace differential {

using randomness = std::mt19937;

std::string mutate(std::string_view text, randomness& random);

}  // namespace differential
