// A value, or a failure in words for a person: what happened to what, and what to do next, on one line.
#pragma once

#include <boost/system/result.hpp>
#include <string>

namespace storage {

template <class T>
using outcome = boost::system::result<T, std::string>;

}  // namespace storage
