// An outcome's failure where the value could be made of a string too (aggregates can, since C++20).
#pragma once

#include <string>
#include <utility>

#include "launcher/outcome.h"

namespace launcher {

template <class T>
outcome<T> failed(std::string words) {
    return outcome<T>(boost::system::in_place_error, std::move(words));
}

}  // namespace launcher
