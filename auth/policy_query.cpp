#include "auth/policy_query.h"

#include <algorithm>

namespace auth {
namespace {

using protocol::op_class;

constexpr std::string_view rpc_prefix = "RPCServer.";
constexpr std::size_t most_candidates = 8;

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

}  // namespace

std::vector<question> all_operations() {
    std::vector<question> all;
    for (const auto& row : protocol::operation_table()) {
        const auto name =
            row.name.starts_with(rpc_prefix) ? row.name.substr(rpc_prefix.size()) : row.name;
        all.push_back({std::string(name), row.classes, row.dap});
    }
    return all;
}

std::vector<question> operations_named(std::string_view text) {
    for (auto c : {op_class::observe, op_class::read, op_class::trace, op_class::breakpoint,
                   op_class::control, op_class::mutate, op_class::files, op_class::lifecycle})
        if (to_string(c) == text) return {{{}, {c}, false}};
    if (text.starts_with(rpc_prefix)) text.remove_prefix(rpc_prefix.size());
    const std::string wanted = lower(text);
    std::vector<question> found;
    if (wanted.empty()) return found;
    for (auto& one : all_operations()) {
        const std::string name = lower(one.operation);
        if (name == wanted || name.ends_with(" " + wanted)) found.push_back(std::move(one));
    }
    return found;
}

std::vector<std::string> operations_like(std::string_view text) {
    const std::string wanted = lower(text);
    const std::string beginning = wanted.substr(0, 4);
    std::vector<std::string> near, far;
    for (const auto& one : all_operations()) {
        const std::string name = lower(one.operation);
        if (name.find(wanted) != name.npos)
            near.push_back(one.operation);
        else if (beginning.size() > 2 && name.find(beginning) != name.npos)
            far.push_back(one.operation);
    }
    near.insert(near.end(), far.begin(), far.end());
    if (near.size() > most_candidates) near.resize(most_candidates);
    return near;
}

}  // namespace auth
