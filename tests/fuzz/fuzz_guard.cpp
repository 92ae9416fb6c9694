// The guard's filter: whatever comes, in whatever pieces, dlv gets only whole requests that it judged to be within the
// ceiling, and the same ones however the bytes were cut.
#include "launcher/guard_filter.h"

#include <vector>

#include "tests/fuzz/fuzz.h"

namespace {

using launcher::filter_rules;
using launcher::guard_filter;
using protocol::class_set;
using protocol::op_class;

struct passed {
    std::string to_dlv, to_gateway;
    bool ended = false;
    bool operator==(const passed&) const = default;
};

template <class Pieces>
passed through(const Pieces& pieces, const filter_rules& rules) {
    guard_filter filter;
    passed all;
    for (const std::string_view piece : pieces) {
        filter.feed(piece);
        while (auto out = filter.next(rules))
            (out->to == guard_filter::piece::where::dlv ? all.to_dlv : all.to_gateway) += out->bytes;
    }
    all.ended = filter.ended();
    return all;
}

void check(const protocol::judged& j, bool dap, const filter_rules& rules) {
    must(j.how != protocol::service::refuse && j.how != protocol::service::leave);
    must(j.classes.within(rules.ceiling));
    must(launcher::hub_sends(dap, j.operation));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text(data, size);
    const class_set ceilings[] = {{op_class::observe},
                                  {op_class::observe, op_class::read, op_class::control},
                                  {op_class::observe, op_class::read, op_class::trace, op_class::breakpoint,
                                   op_class::control, op_class::mutate, op_class::files, op_class::lifecycle}};
    for (const auto ceiling : ceilings) {
        filter_rules rules;
        rules.ceiling = ceiling;
        rules.component = "c";
        const auto all = through(std::vector{text}, rules);
        std::vector<std::string_view> bytes;
        for (std::size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
        must(through(bytes, rules) == all);
        if (all.to_dlv.starts_with('C')) {
            for (const auto& body : support::decode(protocol::frame_decoder(1 << 24), {all.to_dlv}).messages)
                check(protocol::judge(protocol::parse_dap_request(body, 1000).value()), true, rules);
        } else {
            for (const auto& one : support::decode(protocol::value_splitter(1 << 24), {all.to_dlv}).messages)
                check(protocol::judge(protocol::parse_rpc_request(one, 1000).value()), false, rules);
        }
    }
    return 0;
}
