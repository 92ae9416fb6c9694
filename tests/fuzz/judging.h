// The judge's property, for requests of both protocols.
#pragma once

#include <algorithm>
#include <utility>

#include "protocol/operations.h"
#include "tests/fuzz/fuzz.h"

namespace fuzz {

// With members sorted: their order means nothing to dlv, and a limit that is added comes last.
inline protocol::json sorted(protocol::json value) {
    if (auto* elements = value.if_array())
        for (auto& element : *elements) element = sorted(std::move(element));
    if (auto* members = value.if_object()) {
        for (auto& [name, member] : *members) member = sorted(std::move(member));
        std::sort(members->begin(), members->end(),
                  [](const auto& a, const auto& b) { return a.first < b.first; });
    }
    return value;
}

inline bool same(const protocol::judged& a, const protocol::judged& b) {
    return a.how == b.how && a.classes == b.classes && a.operation == b.operation &&
           sorted(a.arguments) == sorted(b.arguments) && a.reason == b.reason &&
           a.malformed == b.malformed;
}

// What dlv gets when the judge lets a request through, as the judge would read it once more.
inline protocol::rpc_request forwarded(const protocol::rpc_request& request,
                                       protocol::json arguments) {
    const auto text = protocol::encode(protocol::rpc_request{
        .id = request.id, .method = request.method, .params = std::move(arguments)});
    return protocol::parse_rpc_request(text, 1000).value();
}
inline protocol::dap_request forwarded(const protocol::dap_request& request,
                                       protocol::json arguments) {
    const auto frames = support::decode(
        protocol::frame_decoder(1 << 24),
        {protocol::encode(protocol::dap_request{
            .seq = request.seq, .command = request.command, .arguments = std::move(arguments)})});
    return protocol::parse_dap_request(frames.messages.at(0), 1000).value();
}

template <class Request>
void check_judged(const Request& request) {
    const auto verdict = protocol::judge(request);
    must(same(verdict, protocol::judge(request)));
    if (verdict.how == protocol::service::refuse) {
        must(!verdict.reason.empty());
        return;
    }
    must(same(verdict, protocol::judge(forwarded(request, verdict.arguments))));
}

}  // namespace fuzz
