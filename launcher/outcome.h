// A value, or a failure in words for a person: what happened to what, and what to do next, on one
// line.
#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <utility>

namespace launcher {

template <class T>
using outcome = boost::system::result<T, std::string>;

// A text becomes a value where it can, and every aggregate that begins with a text can be made of one: there, which of the
// two is meant has to be said. `return error_text(…)` is an error of any outcome.
struct error_text {
    explicit error_text(std::string words) : why(std::move(words)) {}
    template <class T>
    operator outcome<T>() && {
        return outcome<T>(boost::system::in_place_error, std::move(why));
    }
    std::string why;
};
inline outcome<std::string> text(std::string value) {
    return {boost::system::in_place_value, std::move(value)};
}

}  // namespace launcher
