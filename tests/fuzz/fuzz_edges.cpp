// Where messages end: the same however they come, no byte of them is lost, and they are what the decoders of requests find.
#include <vector>

#include "protocol/dap.h"
#include "protocol/message_edges.h"
#include "protocol/rpc.h"
#include "tests/fuzz/fuzz.h"

namespace {

struct found {
    std::vector<std::string> bodies;  // without headers and white space
    std::string all, rest;
    bool failed = false;
    bool operator==(const found&) const = default;
};

found cut(protocol::dialect of, std::string_view wire, std::size_t step) {
    protocol::message_edges edges(of);
    found out;
    for (std::size_t at = 0; at < wire.size() && !out.failed; at += step) {
        auto piece = wire.substr(at, step);
        while (!piece.empty()) {
            protocol::error_code ec;
            const auto taken = edges.take(piece, ec);
            out.failed = static_cast<bool>(ec);
            if (out.failed) break;
            must(taken > 0 && taken <= piece.size());
            out.rest += piece.substr(0, taken);
            piece.remove_prefix(taken);
            if (!edges.ended()) continue;
            out.all += out.rest;
            auto body = std::exchange(out.rest, {}).substr(edges.header());
            if (of == protocol::dialect::rpc) body.erase(body.find_last_of("}]") + 1);
            if (!body.empty()) out.bodies.push_back(std::move(body));
        }
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto wire = fuzz::text(data, size);
    for (const auto of : {protocol::dialect::dap, protocol::dialect::rpc}) {
        const auto whole = cut(of, wire, size + 1);
        must(wire.starts_with(whole.all + (whole.failed ? "" : whole.rest)));
        must(whole.failed || whole.all.size() + whole.rest.size() == size);
        for (const std::size_t step : {1u, 2u, 7u, 31u}) {
            const auto other = cut(of, wire, step);
            must(other.bodies == whole.bodies && other.failed == whole.failed);
            must(whole.failed || other.rest == whole.rest);
        }
        const auto decoded = of == protocol::dialect::dap ? support::decode(protocol::frame_decoder(size + 1), support::whole(wire))
                                                          : support::decode(protocol::value_splitter(size + 1), support::whole(wire));
        must(decoded.messages == whole.bodies);
    }
    return 0;
}
