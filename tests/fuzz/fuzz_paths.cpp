// Replies on their way to a viewer with other paths: the same however they come, nothing but strings changes, and
// nothing at all where no rule fits.
#include "protocol/local_sources.h"
#include "protocol/path_rewriter.h"
#include "protocol/request_paths.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace protocol;

std::string pass(const path_map& map, path_fields fields, const std::vector<std::string_view>& pieces) {
    std::string out;
    path_rewriter rewriter(map, fields);
    for (const auto piece : pieces) rewriter.feed(piece, out);
    rewriter.finish(out);
    return out;
}

}  // namespace

// The input is a rule's two prefixes, a line each, and a reply.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto text = fuzz::text(data, size);
    std::string parts[2];
    for (auto& part : parts) {
        const auto end = std::min(text.find('\n'), text.size());
        part = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    path_map map;
    map.add(parts[0], parts[1]);
    path_map never;
    never.add("/never", std::string(size + 1, '/') + "x");

    for (const auto fields : {rpc_reply_field, dap_reply_field, dap_sources_field}) {
        const auto all = pass(map, fields, support::whole(text));
        must(pass(map, fields, support::chunks(text, 1)) == all);
        for (std::size_t at = 1; at < text.size(); at += 1 + text.size() / 37) must(pass(map, fields, support::cut(text, at)) == all);
        must(pass(never, fields, support::whole(text)) == text);

        const auto whole = parse_json(text, {.max_depth = 512, .fold_keys = false});
        if (!whole || !whole->is_object()) continue;
        // Valid stays valid, unless a name of the person's is no text.
        if (valid_utf8(parts[0])) must(parse_json(all, {.max_depth = 512, .fold_keys = false}).has_value());
        must(fuzz::outside_strings(all) == fuzz::outside_strings(text));
    }

    map.text_to_client(text);
    map.text_to_server(text);
    map.location_to_server(text);
    map.learn_alias(parts[0], std::string(text));
    if (const auto other = kubernetes_alias(text)) must(kubernetes_alias(*other).has_value());
    if (const auto value = parse_json(text, {.fold_keys = false})) {
        for (const auto* method : {"RPCServer.CreateBreakpoint", "RPCServer.FindLocation", "RPCServer.ListGoroutines", "RPCServer.Restart"}) {
            auto arguments = *value;
            rpc_paths_to_server(method, arguments, map);
            rpc_alias(method, *value);
        }
        auto arguments = *value;
        dap_paths_to_server("setFunctionBreakpoints", arguments, map);
        if (const auto paths = read_client_paths(*value)) {
            json again = json::object{};
            write_client_paths(again, *paths);
            must(read_client_paths(again).value().rules == paths->rules);
        }
        guess_rules(read_guess(*value), read_program(parts[0], *value, *value));
    }
    return 0;
}
