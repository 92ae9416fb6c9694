// What the stand-in for dlv says: replies in the words and sizes of dlv 1.27.1, stopped at a
// breakpoint of a small program, made once and repeated for every request.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace bench {

// One answer. `shared` is a large text that many answers use and nobody copies; it comes last.
struct answer {
    std::string text;
    std::shared_ptr<const std::string> shared;
    std::string after_shared;
    bool then_close = false;
};

// The answer to one JSON-RPC request (the text of one JSON object), newline included. A
// ListPackageVars whose Filter is a number, or an Eval whose Expr is one, gets a result of as many bytes.
answer answer_rpc(std::string_view request);

// The answer to one DAP message's body: whole frames, events included. `seq` is this connection's.
// `evaluate` and ListPackageVars' rule of a numeric expression hold here too.
answer answer_dap(std::string_view request, int& seq);

}  // namespace bench
