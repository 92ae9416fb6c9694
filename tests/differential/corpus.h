// Requests by hand: what real clients send, and what readers have been known to disagree about.
#pragma once

#include <string>
#include <vector>

namespace differential {

struct corpus_entry {
    char kind;  // r: JSON-RPC request, d: body of a DAP request
    bool accepted;
    std::string text;
};

const std::vector<corpus_entry>& corpus();

// Header blocks of DAP frames; "%N" stands for the right length.
const std::vector<std::string>& frame_headers();

}  // namespace differential
