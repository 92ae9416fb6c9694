// dlv's replies on their way to who may not read values: what a breakpoint loaded when it was hit, what a function returned,
// a goroutine's labels, and a variable's value that is answered as an address.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/rpc.h"

namespace launcher {

class reply_values {
public:
    // A FindLocation was asked for under that number; false: too many are open.
    bool asked(const std::string& id, const std::string& location);
    // Whole replies, without values, a line each; what is left waits for its rest. False: they are not dlv's protocol, or one
    // is too large to be looked through.
    bool pass(std::string_view bytes, std::string& out);

private:
    std::string without(std::string_view reply);
    static constexpr std::size_t most_bytes = 32u << 20;
    protocol::value_splitter replies_{most_bytes};
    std::map<std::string, std::string> locations_;
};

}  // namespace launcher
